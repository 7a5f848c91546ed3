/** What the parts of one meter share: its chain, its store, its prices, and what its calls report to. */
import type { ChainLink, Store } from "../ledger/store.ts";
import type { MeterEvent } from "../metering/calls.ts";
import type { MeteredFetchOptions } from "../metering/options.ts";
import type { TypicalUsage } from "../metering/typical.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import type { AlertSettings } from "./alerts.ts";
import type { PendingWork, WaitUntil } from "./pending-work.ts";

/** A meter without its methods. A child has a longer chain and may have its own work and events; it shares the rest. */
export interface MeterContext {
  readonly store: Store;
  readonly namespace: string;
  /** Leaf first. */
  readonly chain: ChainLink[];
  /** The chain's leaf. */
  readonly scope: string;
  readonly prices: PriceBook;
  /** How the metered fetch bounds and passes requests. */
  readonly fetchOptions: Omit<MeteredFetchOptions, "meter" | "prices" | "waitUntil" | "lastCalls">;
  /** What the calls of this meter and its relatives used; undefined where nothing is learned. */
  readonly typical: TypicalUsage | undefined;
  readonly idRetentionSeconds: number;
  /** How long a reserve asks again while only holds in flight stand in its way. */
  readonly waitMs: number;
  readonly unbudgeted: "allow" | "deny";
  readonly alerts: AlertSettings | undefined;
  readonly waitUntil: WaitUntil | undefined;
  readonly onEvent: ((event: MeterEvent) => void) | undefined;
  readonly work: PendingWork;
  /** Tells `onEvent`; never throws. */
  emit(event: Omit<MeterEvent, "scope">): void;
}

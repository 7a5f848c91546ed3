/** What the meter's suites need of a store, whatever it is. */

import type { Store } from "../../src/ledger/store.ts";
import type { MeterOptions } from "../../src/meter/options.ts";
import { UsageMeter } from "../../src/meter.ts";

export interface StoreUnderTest {
  store: Store;
  close(): Promise<void>;
}

export type MakeStore = () => Promise<StoreUnderTest>;

/** A namespace that no other test uses, so that tests share one server. */
export function freshNamespace(): string {
  return `t-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
}

/** Makes meters that share one store and namespace: each stands for a process of its own. */
export type MakeMeter = (options?: Partial<MeterOptions>) => UsageMeter;

export function meterMaker(store: Store): MakeMeter {
  const namespace = freshNamespace();
  return (options = {}) => {
    const named = options.scope === undefined ? { agentId: "my-agent" } : {};
    return new UsageMeter({ store, namespace, ...named, ...options });
  };
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise was expected to reject.");
}

/** What a metered fetch is made of. */
import type { PriceBook } from "../pricing/price-book.ts";
import type { Estimate } from "../pricing/usage.ts";
import type { CallMeter } from "./calls.ts";
import type { ClampOptions } from "./clamp.ts";
import type { LastCalls } from "./typical.ts";

/** Says what a request may cost at most; undefined leaves it to the bound of its body. */
export type EstimateRequest = (request: Request) => Estimate | undefined | Promise<Estimate | undefined>;

export interface MeteredFetchOptions {
  /** Holds and settles. One object a meter: fetches are told apart by it. */
  meter: CallMeter;
  prices: PriceBook;
  /** The fetch underneath; the runtime's own by default, looked up at each call. */
  fetch?: typeof globalThis.fetch | undefined;
  /** What a request may cost at most: the bound of its body (`strict`, the default), or what this says. */
  estimate?: "strict" | EstimateRequest | undefined;
  /** Holds what the last calls used rather than the bound; left out: the bound. */
  lastCalls?: LastCalls | undefined;
  /** Lowers output limits to what budgets have left; left out: such calls are refused. */
  clamp?: ClampOptions | undefined;
  /** Tokens, above 0: written into requests that set no output limit. */
  defaultMaxOutputTokens?: number | undefined;
  /** Admits what no body bounds, at the bound of its tokens. False by default. */
  allowUnbounded?: boolean | undefined;
  /** A POST that no provider file recognises: refused (the default), or passed unmetered. */
  unknownRequest?: "reject" | "pass" | undefined;
  /** Which chat streams are asked for their usage: those of OpenAI's and Azure's models, or all but strict servers'. */
  includeUsage?: "known" | "always" | undefined;
  /** Promises that a request which leaves its tier open is not served on a dearer one. */
  serviceTier?: "default" | undefined;
  /**
   * Given where the runtime drops what a response leaves behind: settles then stay off its path, and answers are read
   * apart, kept alive by `meter.background`.
   */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

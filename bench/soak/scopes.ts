/** The scopes of the random calls, and their limits: tight enough that a good part of all calls is denied. */
import type { Amounts, ChainLink, LimitAmounts, WindowLimits } from "../../src/ledger/store.ts";
import type { Random } from "./random.ts";

const AGENTS = 200;
const TEAMS = 20;
const ORGS = 3;

export const LARGEST_HOLD: Amounts = { nanoUsd: 50_000_000, tokens: 20_000, requests: 1 };

/** Each scope counts a `total` window, which never rolls: at the end it holds all that was ever spent. */
export function scopesOf(reserves: number): Scopes {
  const links = new Map<string, ChainLink>();
  const add = (scope: string, limits: WindowLimits[]) => links.set(scope, { scope, limits });
  const meanNanoUsd = LARGEST_HOLD.nanoUsd / 2;
  for (let place = 0; place < AGENTS; place += 1) {
    add(`agent:${place}`, [
      windowOf("minute", { requests: 8 }),
      windowOf("hour", { nanoUsd: 60 * meanNanoUsd }),
      windowOf("total", {}),
    ]);
  }
  for (let place = 0; place < TEAMS; place += 1) {
    add(`team:${place}`, [
      windowOf("hour", { tokens: 400 * LARGEST_HOLD.tokens }),
      windowOf("day", { nanoUsd: 3_000 * meanNanoUsd }),
      windowOf("total", {}),
    ]);
  }
  for (let place = 0; place < ORGS; place += 1) {
    // Used up before the end: from then on every chain of three is denied for good.
    add(`org:${place}`, [windowOf("total", { nanoUsd: Math.ceil(reserves / 20) * meanNanoUsd })]);
  }
  return { links, chain: (random) => chainOf(links, random) };
}

export interface Scopes {
  links: Map<string, ChainLink>;
  /** One to three scopes, leaf first. */
  chain(random: Random): ChainLink[];
}

function chainOf(links: Map<string, ChainLink>, random: Random): ChainLink[] {
  const agent = random.whole(0, AGENTS - 1);
  const team = agent % TEAMS;
  const names = [`agent:${agent}`, `team:${team}`, `org:${team % ORGS}`].slice(0, random.whole(1, 3));
  return names.map((name) => links.get(name)).filter((link) => link !== undefined);
}

function windowOf(window: WindowLimits["window"], hard: Partial<LimitAmounts>): WindowLimits {
  const none = { nanoUsd: null, tokens: null, requests: null };
  return { window, hard: { ...none, ...hard }, soft: none };
}

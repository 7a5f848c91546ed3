/** All that a ledger keeps of a namespace, read by docs/redis-layout.md and not by the ledger's own code. */
import { Redis } from "ioredis";
import type { Triple } from "./journal.ts";

export interface LedgerState {
  accounts: Map<string, Record<string, string>>;
  records: Map<string, LedgerRecord>;
  /** Scopes that `meta` lists. */
  index: string[];
  /** What administrators did, newest first. */
  log: string[];
}

/** A hold or a record. */
export interface CallRecord {
  kind: "hold" | "record";
  hash: string;
  attempt: string;
  /** Another attempt got this hold too. */
  isShared: boolean;
  startMicros: number;
  minute: number;
  held: Triple;
  scopes: string[];
  closed?: { actual: Triple; source: string; hash: string };
}

export type LedgerRecord = CallRecord | { kind: "gone" } | { kind: "admin"; hash: string; atMicros: number };

const CHUNK = 500;

export async function readLedger(redisUrl: string, namespace: string): Promise<LedgerState> {
  const client = new Redis(redisUrl, { protocol: 2 });
  try {
    const prefix = `agentlimit:{${namespace}}:`;
    const names = (await client.keys("*")).map((key) => {
      if (!key.startsWith(prefix)) throw new Error(`${key} is no key of the namespace.`);
      return key.slice(prefix.length);
    });
    const state: LedgerState = { accounts: new Map(), records: new Map(), index: [], log: [] };
    for (const name of names.filter((each) => each.startsWith("s:"))) {
      state.accounts.set(name.slice(2), await client.hgetall(prefix + name));
    }
    const ids = names.filter((name) => name.startsWith("i:"));
    for (let first = 0; first < ids.length; first += CHUNK) {
      const chunk = ids.slice(first, first + CHUNK);
      const texts = await client.mget(chunk.map((name) => prefix + name));
      chunk.forEach((name, place) => {
        state.records.set(name.slice(2), parseRecord(texts[place] ?? ""));
      });
    }
    state.index = Object.keys(await client.hgetall(`${prefix}meta`));
    state.log = await client.lrange(`${prefix}log`, 0, -1);
    return state;
  } finally {
    client.disconnect();
  }
}

function parseRecord(text: string): LedgerRecord {
  const [kind = "", hash = "", third = "", shared, start, minute, held, scopes, ...closed] = text.split(" ");
  if (kind === "gone") return { kind };
  if (kind === "admin") return { kind, hash, atMicros: Number(third) };
  if (kind !== "hold" && kind !== "record") throw new Error(`No record of an operation: ${text}`);
  const [actual, source = "", closingHash = ""] = closed;
  return {
    kind,
    hash,
    attempt: third.split(",")[0] ?? "",
    isShared: shared === "1",
    startMicros: Number(start),
    minute: Number(minute),
    held: parseTriple(held),
    scopes: (scopes ?? "").split(","),
    ...(actual === undefined ? {} : { closed: { actual: parseTriple(actual), source, hash: closingHash } }),
  };
}

/** `U,T,N` of digits; anything else equals no amounts. */
export function parseTriple(text: string | undefined): Triple {
  if (!/^\d+,\d+,\d+$/.test(text ?? "")) return [Number.NaN, Number.NaN, Number.NaN];
  const [nanoUsd = 0, tokens = 0, requests = 0] = (text ?? "").split(",").map(Number);
  return [nanoUsd, tokens, requests];
}

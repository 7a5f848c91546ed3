/** Flags and environment to a ledger. Nothing here prints, and no message holds a password or a token. */
import { InvalidOptionsError, InvalidScopeError, StoreUnavailableError } from "../errors.ts";
import { agentScope, parseNamespace, parseScope } from "../ledger/names.ts";
import type { AccountView, CheckAnswer, Store } from "../ledger/store.ts";
import { UNKNOWN_REQUEST } from "../meter/check.ts";
import { MAY_BE_DONE } from "../redis/delivery.ts";
import { isLoopback } from "../redis/loopback.ts";
import { redisStore } from "../redis/redis-store.ts";
import type { ScriptTransport } from "../redis/transport.ts";
import { UsageError } from "./usage-error.ts";

export interface ScopeFlags {
  agent?: string;
  scope?: string;
}

export interface LedgerFlags {
  redis?: string;
  token?: string;
  namespace?: string;
}

/** A store, and where it is. */
export interface Ledger {
  store: Store;
  namespace: string;
  /** Without user, password and token: `redis://localhost:6379/0`, `https://name.upstash.io`. */
  address: string;
}

const DEFAULT_REDIS_URL = "redis://localhost:6379";

/** @throws UsageError unless exactly one of the two is given; InvalidScopeError for a name outside the alphabet. */
export function scopeOf({ agent, scope }: ScopeFlags): string {
  if (agent !== undefined && scope !== undefined)
    throw new UsageError("Give --agent or --scope, not both: --agent x is --scope agent:x.");
  if (scope !== undefined) return parseScope(scope);
  if (agent === undefined) throw new UsageError("Say whose budgets: --agent <name>, or --scope <name>.");
  if (agent.trim() === "") throw new InvalidScopeError("--agent is a name, not blank.");
  return agentScope(agent);
}

/**
 * Runs a command over the ledger that flags and environment name, and closes it.
 *
 * @throws UsageError, InvalidOptionsError, InvalidScopeError before anything is sent.
 * @throws StoreUnavailableError with the address in its message.
 */
export async function withLedger<T>(
  flags: LedgerFlags,
  environment: Readonly<NodeJS.ProcessEnv>,
  use: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  const namespace = parseNamespace(flags.namespace ?? "default");
  const target = targetOf(flags, environment);
  const address = shownAddress(target);
  const store = redisStore(await transportTo(target));
  try {
    return await use({ store, namespace, address });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    const whatHappened = error.message.replace(MAY_BE_DONE, "");
    throw new StoreUnavailableError(`${address}${target.hint}: ${whatHappened}`, { cause: error });
  } finally {
    await store.close?.();
  }
}

/** How one scope stands, and what denies its next call. */
export interface ScopeReading {
  answer: CheckAnswer;
  account: AccountView;
}

/** Reads one scope without its parents; writes nothing. */
export async function readScope({ store, namespace }: Ledger, scope: string): Promise<ScopeReading> {
  const answer = await store.check({ namespace, chain: [{ scope }], requested: UNKNOWN_REQUEST });
  const [account] = answer.accounts;
  if (account === undefined) throw new TypeError("A chain of one scope has one account.");
  return { answer, account };
}

interface Target {
  url: string;
  token?: string | undefined;
  /** What stands in a message in place of the address when that can't be read. */
  name: string;
  /** Said after the address when it can't be reached. */
  hint: string;
}

/** A flag wins over Upstash's two variables, they over the default. */
function targetOf(flags: LedgerFlags, environment: Readonly<NodeJS.ProcessEnv>): Target {
  const variables = {
    url: nonEmpty(environment.UPSTASH_REDIS_REST_URL),
    token: nonEmpty(environment.UPSTASH_REDIS_REST_TOKEN),
  };
  const token = flags.token ?? variables.token;
  if (flags.redis !== undefined) {
    const isRest = /^https?:/i.test(flags.redis);
    if (flags.token !== undefined && !isRest)
      throw new UsageError(
        "--token goes with an https:// address; the password of Redis stands in redis://:password@host.",
      );
    return { url: flags.redis, token: isRest ? token : undefined, name: "--redis", hint: "" };
  }
  if (variables.url !== undefined)
    return { url: variables.url, token, name: "UPSTASH_REDIS_REST_URL", hint: " (UPSTASH_REDIS_REST_URL)" };
  if (token !== undefined)
    throw new UsageError(
      `${flags.token === undefined ? "UPSTASH_REDIS_REST_TOKEN" : "--token"} is given without an address: add --redis https://…, or set UPSTASH_REDIS_REST_URL.`,
    );
  return { url: DEFAULT_REDIS_URL, name: "--redis", hint: " (the default; give another by --redis)" };
}

const nonEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

/** Each client is loaded only where its kind of address is given. */
async function transportTo({ url, token, name }: Target): Promise<ScriptTransport> {
  try {
    if (/^rediss?:/i.test(url)) return (await import("../redis/tcp.ts")).tcpTransport(url);
    if (token === undefined)
      throw new UsageError(
        `${name} is the address of a REST API, which needs its token: --token, or UPSTASH_REDIS_REST_TOKEN.`,
      );
    return (await import("../redis/rest.ts")).restTransport({ url, token });
  } catch (error) {
    if (error instanceof InvalidOptionsError)
      throw new UsageError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** @throws UsageError for what is no address, and for one whose password would be taken for another part of it. */
function shownAddress({ url, name }: Target): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^(rediss?|https?):$/.test(parsed.protocol) || parsed.hostname === "")
    throw new UsageError(
      `${name} takes redis://host:6379, rediss://user:password@host:6380/0 or https://name.upstash.io.`,
    );
  if (parsed.hash !== "" || `${parsed.pathname}${parsed.search}`.includes("@"))
    throw new UsageError(`${name}: in user and password write %23 for #, %2F for /, %3F for ?, %40 for @.`);
  const { protocol, hostname, port, pathname } = parsed;
  if (protocol === "http:" && !isLoopback(hostname))
    throw new UsageError(
      `${name}: write https://, since the token would travel in the clear; http:// is for this machine alone.`,
    );
  if (protocol.startsWith("http")) return `${protocol}//${parsed.host}`;
  return `${protocol}//${hostname}:${port === "" ? 6379 : port}${pathname === "/" ? "" : pathname}`;
}

/** What the steps of random sequences do to a store. */
import { canonicalLimits } from "../../src/ledger/limits.ts";
import type { ChainLink, RequestedAmounts, Store } from "../../src/ledger/store.ts";
import { START_MS, type Step } from "./random-steps.ts";

/** An operation that was sent: later steps aim at it. */
export interface Sent {
  kind: Step["kind"];
  id: string;
  hash: string;
  chain: ChainLink[];
  attempt: string;
}

/** Who sends a step: to which store, and what was sent before. */
export interface StepSender {
  store: Store;
  namespace: string;
  /** Steps that aim at an earlier operation find it here. */
  sent: Sent[];
  /** Names the step's operation. */
  name: string;
  retentionSeconds: number;
}

/** What a step asks for, where it is judged. */
export function requestedBy(wanted: Step): RequestedAmounts | undefined {
  if (wanted.kind === "check") return wanted.amounts;
  if (wanted.kind !== "reserve") return undefined;
  return { ...wanted.amounts, tokens: wanted.unknownTokens ? null : wanted.amounts.tokens };
}

/** Sends a step to a store. Undefined for a step that aims at nothing. */
export async function perform(sender: StepSender, wanted: Step): Promise<unknown> {
  const { store, namespace, sent, retentionSeconds } = sender;
  const base = { namespace, retentionSeconds };
  switch (wanted.kind) {
    case "reserve": {
      const { id, hash, chain: links, attempt } = ownOperation(sender, wanted);
      const requested = requestedBy(wanted) ?? wanted.amounts;
      const { expiresInSeconds, requiresLimit } = wanted;
      const operation = { ...base, id, argumentsHash: hash, chain: links };
      return store.reserve({ ...operation, attempt, requested, expiresInSeconds, requiresLimit });
    }
    case "settle": {
      const aim = aimAtHold(sent, wanted.target);
      if (aim === undefined) return undefined;
      const { actual, source, model: used, kinds: tokenKinds, alertThresholds: thresholds, lost } = wanted;
      const bookIfUnknown = lost && actual !== undefined ? { reserveHash: aim.hash } : undefined;
      const argumentsHash = JSON.stringify(actual ?? 0).length.toString(16);
      const operation = { ...base, id: aim.id, chain: wanted.otherChain ?? aim.chain };
      const told = { model: used, tokenKinds, alertThresholds: thresholds };
      return store.settle({ ...operation, argumentsHash, source, actual, ...told, bookIfUnknown });
    }
    case "release": {
      const aim =
        aimAtHold(sent, wanted.target) ?? freshOperation(sender.name, "reserve", [{ scope: "user:1" }]);
      const attempt = wanted.own ? aim.attempt : undefined;
      return store.release({ ...base, id: aim.id, chain: aim.chain, argumentsHash: "release", attempt });
    }
    case "record": {
      const { id, hash, chain: links } = ownOperation(sender, wanted);
      const { amounts: actual, model: used, kinds: tokenKinds, alertThresholds: thresholds } = wanted;
      const operation = { ...base, id, argumentsHash: hash, chain: links };
      return store.record({ ...operation, actual, model: used, tokenKinds, alertThresholds: thresholds });
    }
    case "check":
      return store.check({ namespace, chain: wanted.chain, requested: wanted.amounts });
    case "history": {
      const { scope, by } = wanted;
      return store.history({ namespace, scope, by, fromMs: 0, toMs: 2 * START_MS });
    }
    case "loseId":
      return undefined;
    default: {
      const { id, hash, chain: links } = ownOperation(sender, wanted);
      const operation = { ...base, id, argumentsHash: hash, chain: links };
      if (wanted.kind === "storeLimits")
        return store.storeLimits({ ...operation, limits: canonicalLimits(wanted.budgets) ?? [] });
      if (wanted.kind === "pause") return store.pause({ ...operation, reason: "lunch" });
      return wanted.kind === "reset" ? store.reset(operation) : store.resume(operation);
    }
  }
}

function freshOperation(name: string, kind: Step["kind"], links: ChainLink[]): Sent {
  return { kind, id: `id-${name}`, hash: `h${name}`, chain: links, attempt: `a${name}` };
}

/** The operation at a place: counted from the first or, below 0, back from the last. */
function aimOf(sent: Sent[], place: number): Sent | undefined {
  return place >= 0 ? sent[place] : sent.at(place % sent.length);
}

/** What a settle, a release or a failover aims at: counted back, it is a reserve. */
export function aimAtHold(sent: Sent[], place: number): Sent | undefined {
  return aimOf(place >= 0 ? sent : sent.filter(({ kind }) => kind === "reserve"), place);
}

/** A new operation, or one that was sent before; from now on later steps can aim at it. */
function ownOperation(
  { sent, name }: StepSender,
  { kind, chain: links, reuse: again }: Extract<Step, { reuse: unknown }>,
): Sent {
  const earlier = again === null ? undefined : aimOf(sent, again.target);
  const isSame = again?.isSameAttempt === true;
  const fresh = freshOperation(name, kind, links);
  const own =
    earlier === undefined ? fresh : { ...earlier, kind, ...(isSame ? {} : { attempt: fresh.attempt }) };
  sent.push(own);
  return own;
}

/** An answer, or what was thrown, to be compared. */
export function outcomeOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch((error: unknown) => ({
    code: (error as { code?: string }).code,
    error: String(error),
  }));
}

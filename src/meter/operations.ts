/** What every operation carries: its chain, its id, the hash of its arguments, and how long the id is remembered. */
import { parseId } from "../ledger/names.ts";
import { argumentsHash, randomId } from "../ledger/operation-id.ts";
import type { Operation } from "../ledger/store.ts";
import type { MeterContext } from "./context.ts";

const HOUR_SECONDS = 3600;
/** Late settles, corrections and redelivered webhooks find the id for this long after a hold's expiry. */
export const CORRECTABLE_SECONDS = 24 * HOUR_SECONDS;
/** Retries of an operation that nobody else can know end within seconds. */
export const REPLAYABLE_SECONDS = 15 * 60;

/** An operation's id, and whether the user gave it: such ids are remembered longer. */
export interface OperationId {
  id: string;
  given: boolean;
}

/** @throws InvalidScopeError unless `id` is left out or in the alphabet of ids. */
export function operationId(id: string | undefined): OperationId {
  return id === undefined ? { id: randomId(), given: false } : { id: parseId(id), given: true };
}

/** Seconds after its expiry that a hold's id is remembered. */
export function holdRetentionSeconds(context: MeterContext, given: boolean, remembered: number): number {
  return given ? Math.max(CORRECTABLE_SECONDS, context.idRetentionSeconds) : remembered;
}

/** Seconds that the id of an operation without a hold is remembered. */
export function plainRetentionSeconds(context: MeterContext, given: boolean): number {
  return given ? context.idRetentionSeconds : REPLAYABLE_SECONDS;
}

/** An operation on one scope alone, which declares no limits for it. */
export function scopeOperation(
  { namespace, chain }: Pick<MeterContext, "namespace" | "chain">,
  scope: string,
  kind: string,
): Operation {
  const forgetAfterIdleSeconds = chain.find((link) => link.scope === scope)?.forgetAfterIdleSeconds;
  const alone = [{ scope, forgetAfterIdleSeconds }];
  return operation({ namespace, chain: alone }, randomId(), kind, [], REPLAYABLE_SECONDS);
}

/**
 * The common part of an operation.
 *
 * @param amounts the amounts as the caller gave them, in a fixed order; prices and times never.
 */
export function operation(
  { namespace, chain }: Pick<MeterContext, "namespace" | "chain">,
  id: string,
  kind: string,
  amounts: readonly string[],
  retentionSeconds: number,
): Operation {
  const scopes = chain.map((link) => link.scope).join(" ");
  return {
    namespace,
    chain,
    id,
    argumentsHash: argumentsHash([kind, scopes, ...amounts]),
    retentionSeconds,
  };
}

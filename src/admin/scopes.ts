/** One scope alone: how it stands, the limits that an administrator stores on it, reset, pause and resume. */
import * as v from "valibot";
import type { Budget, UsageStats } from "../ledger/budgets.ts";
import { canonicalLimits } from "../ledger/limits.ts";
import { usageStats } from "../ledger/stats.ts";
import type { Standing } from "../ledger/store.ts";
import { applied } from "../meter/administration.ts";
import { UNKNOWN_REQUEST } from "../meter/check.ts";
import { scopeOperation } from "../meter/operations.ts";
import { budgets, exactly, scope } from "./fields.ts";
import { type AdminCall, type Route, route } from "./route.ts";

/** A scope's usage of this calendar month (UTC), its own budgets, and whether it is paused. */
export interface ScopeStanding extends UsageStats {
  /** False: nothing was ever booked or stored here. */
  exists: boolean;
  paused: boolean;
  pauseReason: string | null;
}

const inPath = exactly({ scope });

export const SCOPE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/scopes/{scope}",
    role: "owner",
    params: inPath,
    body: exactly({}),
    handler: (call, { params }) => readStanding(call, params.scope),
  }),
  route({
    method: "PUT",
    path: "/v1/scopes/{scope}/budgets",
    role: "owner",
    params: inPath,
    body: exactly({ budgets }),
    handler: (call, { params, body }) => storeLimits(call, { ...params, ...body }),
  }),
  route({
    method: "POST",
    path: "/v1/scopes/{scope}/reset",
    role: "owner",
    params: inPath,
    body: exactly({}),
    async handler(call, { params }) {
      await call.meter([params.scope]).reset();
      return readStanding(call, params.scope);
    },
  }),
  route({
    method: "POST",
    path: "/v1/scopes/{scope}/pause",
    role: "owner",
    params: inPath,
    body: exactly({ reason: v.optional(v.string()) }),
    async handler(call, { params, body }) {
      await call.meter([params.scope]).pause(body);
      return readStanding(call, params.scope);
    },
  }),
  route({
    method: "POST",
    path: "/v1/scopes/{scope}/resume",
    role: "owner",
    params: inPath,
    body: exactly({}),
    async handler(call, { params }) {
      await call.meter([params.scope]).resume();
      return readStanding(call, params.scope);
    },
  }),
];

async function readStanding({ store, namespace }: AdminCall, scope: string): Promise<ScopeStanding> {
  return scopeStanding(await store.check({ namespace, chain: [{ scope }], requested: UNKNOWN_REQUEST }));
}

/** Replaces what was stored before. An empty list stores nothing: the code's limits bind again. */
async function storeLimits(
  { store, namespace }: AdminCall,
  { scope, budgets }: { scope: string; budgets: Budget[] },
): Promise<ScopeStanding> {
  const limits = canonicalLimits(budgets) ?? [];
  const answer = await store.storeLimits({
    ...scopeOperation({ namespace, chain: [] }, scope, "limits"),
    limits,
  });
  applied(answer);
  return scopeStanding(answer);
}

function scopeStanding(standing: Standing): ScopeStanding {
  const [account] = standing.accounts;
  return {
    ...usageStats(standing),
    exists: account?.exists === true,
    paused: account?.paused === true,
    pauseReason: account?.pauseReason ?? null,
  };
}

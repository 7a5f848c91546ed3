/** Calls of callers that have no library: reserve before the provider's call, settle or release after it, or record it. */
import * as v from "valibot";
import { InvalidUsageError } from "../errors.ts";
import type { Estimate, Usage } from "../pricing/usage.ts";
import { chain, estimate, exactly, id, usage } from "./fields.ts";
import { type Route, route } from "./route.ts";

/** A provider's whole answer may stand in the body of a settle or a record. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export const CALL_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/calls/reserve",
    role: "owner",
    params: exactly({}),
    body: exactly({
      chain,
      id: v.optional(id),
      expiresInSeconds: v.optional(v.number()),
      ...estimate,
    }),
    async handler({ meter }, { body: { chain, id, expiresInSeconds, ...estimate } }) {
      const hold = await meter(chain).reserve({ ...estimateOf(estimate), id, expiresInSeconds });
      const { expiresAt, replayed, usage } = hold;
      return { id: hold.id, expiresAt, replayed, usage };
    },
  }),
  route({
    method: "POST",
    path: "/v1/calls/settle",
    role: "owner",
    params: exactly({}),
    body: exactly({ chain, id, ...usage }),
    maxBodyBytes: MAX_ANSWER_BYTES,
    handler: ({ meter }, { body: { chain, id, ...usage } }) => meter(chain).hold(id).settle(usageOf(usage)),
  }),
  route({
    method: "POST",
    path: "/v1/calls/release",
    role: "owner",
    params: exactly({}),
    body: exactly({ chain, id }),
    async handler({ meter }, { body }) {
      await meter(body.chain).hold(body.id).release();
      return { id: body.id, released: true };
    },
  }),
  route({
    method: "POST",
    path: "/v1/calls/record",
    role: "owner",
    params: exactly({}),
    body: exactly({ chain, id: v.optional(id), ...usage }),
    maxBodyBytes: MAX_ANSWER_BYTES,
    handler: ({ meter }, { body: { chain, id, ...usage } }) => meter(chain).record({ ...usageOf(usage), id }),
  }),
];

type EstimateFields = { [Field in keyof typeof estimate]?: v.InferOutput<(typeof estimate)[Field]> };
type UsageFields = { [Field in keyof typeof usage]?: v.InferOutput<(typeof usage)[Field]> };

/** Fields that do not go together are the library's to refuse. */
function estimateOf(fields: EstimateFields): Estimate {
  const { estimatedCostUsd, provider, model } = fields;
  if (estimatedCostUsd !== undefined) return { ...fields, estimatedCostUsd };
  if (provider !== undefined && model !== undefined) return { ...fields, provider, model };
  throw new InvalidUsageError(
    "An estimate is `estimatedCostUsd`, or `provider` and `model` with their tokens.",
  );
}

function usageOf({ response, ...fields }: UsageFields): Usage {
  const { costUsd, provider, model } = fields;
  if (response !== undefined) return { response, ...fields };
  if (costUsd !== undefined) return { ...fields, costUsd };
  if (provider !== undefined && model !== undefined) return { ...fields, provider, model };
  throw new InvalidUsageError(
    "A usage is `costUsd`, or `provider` and `model` with their tokens, or the provider's `response` as it came.",
  );
}

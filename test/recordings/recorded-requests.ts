/** Sends a recorded request, and compares what is held for it with what the provider counted. */
import { UnboundedCallError, UnrecognizedRequestError } from "../../src/errors.ts";
import { inputTokensOf } from "../../src/metering/bound.ts";
import type { CallMeter, HeldBound } from "../../src/metering/calls.ts";
import { createMeteredFetch } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { routeOf } from "../../src/providers/index.ts";
import { isObject, type JsonObject } from "../../src/providers/json.ts";
import { hangUp, type Upstream } from "../support/upstream.ts";
import { type Finding, failed, sentTo, skipped } from "./findings.ts";

/** Unknown models have a price, so that a replay is about counts. */
const prices = createPriceBook({ unknownModel: { input: "1", output: "1", maxOutputTokens: 100_000 } });

export async function replayRequest(row: JsonObject, upstream: Upstream): Promise<Finding> {
  const { url, request, actual } = row;
  if (!isObject(request) || !isObject(actual)) return skipped("requests without `actual`");
  upstream.answer = hangUp;
  const { meter, held } = holdingMeter();
  const metered = createMeteredFetch({ meter, prices, fetch: sentTo(upstream) });
  try {
    await metered(String(url), { method: "POST", body: JSON.stringify(request) });
  } catch (error) {
    const bound = held();
    if (bound !== undefined) return compare(bound, row, { request, actual });
    if (error instanceof UnrecognizedRequestError) return skipped(`requests of ${row.api} to paths unknown`);
    if (error instanceof UnboundedCallError) return skipped("requests that nothing bounds, refused");
    return failed(`refused: ${error}`);
  }
  return failed("passed without a hold");
}

function compare(
  bound: HeldBound,
  row: JsonObject,
  { request, actual }: { request: JsonObject; actual: JsonObject },
): Finding {
  const input = Number(actual.inputTokens);
  const counted = input + Number(actual.outputTokens);
  if (bound.tokens === null || bound.tokens < counted) {
    return failed(`${counted} tokens were counted, ${bound.tokens} held`);
  }
  // The output's share of the hold must not make up for what the input lacks.
  const route = routeOf("POST", new URL(String(row.url)));
  if (route.kind !== "call") return failed("held without a route");
  const call = route.api.readCall({ ...route, body: request });
  const heldInput = inputTokensOf(call, request, prices.find(route.provider, call.model));
  return heldInput >= input ? undefined : failed(`${input} input tokens were counted, ${heldInput} held`);
}

/** Notes what is held, and takes every settlement. */
function holdingMeter(): { meter: CallMeter; held: () => HeldBound | undefined } {
  let held: HeldBound | undefined;
  const closed = () => Promise.reject(new Error("This meter has no ledger."));
  const meter: CallMeter = {
    async hold(bound, id) {
      held = bound;
      return { id, settleReported: closed, settleEstimated: closed, release: async () => {} };
    },
    covers: () => false,
    background: () => {},
    emit: () => {},
  };
  return { meter, held: () => held };
}

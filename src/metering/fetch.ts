/** A `fetch` that holds the bound of every billed call before it is sent, and settles what its answer says it used. */
import { AgentLimitError, BudgetExceededError, UnrecognizedRequestError } from "../errors.ts";
import { randomId } from "../ledger/operation-id.ts";
import { type Route, routeOf } from "../providers/index.ts";
import type { JsonObject } from "../providers/json.ts";
import { UNBOUNDED_FEATURES, unboundedPost } from "../providers/unbounded.ts";
import type { MeterEvent } from "./calls.ts";
import { holdOrClamp } from "./clamp.ts";
import { refuse } from "./deny.ts";
import { replaceHeld, takeHeld } from "./held-signals.ts";
import { type MeteredFetch, withMeter } from "./metered-fetch.ts";
import type { MeteredFetchOptions } from "./options.ts";
import { prepareCall } from "./prepare.ts";
import type { PreparedCall } from "./prepared-call.ts";
import { type IncomingRequest, incomingRequest, shownAddress } from "./request.ts";
import { type ReadyCall, sendCall } from "./send.ts";

export type { ClampOptions } from "./clamp.ts";
export type { MeteredFetch } from "./metered-fetch.ts";
export type { EstimateRequest, MeteredFetchOptions } from "./options.ts";

/**
 * Makes a metered fetch. What it does with a request:
 *
 * - What costs nothing passes: GET, HEAD, OPTIONS, DELETE, and POSTs that a provider file names as free.
 * - A billed call is held at its bound, sent, and settled by its answer. A refusal before sending reaches the caller as
 *   the very error, after one attempt of its SDK. After sending, nothing of the meter ever reaches the caller: an SDK
 *   would send the call again and pay twice.
 * - A call that a middleware of this meter holds already passes, once. One that a parent's holds is held here instead.
 * - Any other request is refused with `UnrecognizedRequestError`, unless `unknownRequest` is `pass`.
 */
export function createMeteredFetch(options: MeteredFetchOptions): MeteredFetch {
  const underneath: typeof fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));

  const metered: typeof fetch = async (input, init) => {
    const incoming = incomingRequest(input, init);
    const route = routeOfRequest(incoming);
    const passes = route.kind === "free" || (route.kind === "unknown" && options.unknownRequest === "pass");
    if (passes) return underneath(input, init);
    if (takeHeld(incoming.signal, options.meter)) return underneath(input, init);
    incoming.signal?.throwIfAborted();

    const id = randomId();
    const startedAtMs = Date.now();
    let prepared: PreparedCall | undefined;
    let ready: ReadyCall;
    try {
      if (route.kind !== "call") throw unrecognized(incoming, route);
      prepared = await prepareCall(incoming, route, options);
      await replaceHeld(incoming.signal, options.meter);
      ready = { incoming, api: route.api, ...(await holdOrClamp(prepared, id, options)), startedAtMs };
    } catch (error) {
      const type = error instanceof BudgetExceededError ? "denied" : "failed";
      options.meter.emit({ type, id, ...namesOf(prepared), ...errorField(error) });
      return refuse(error, incoming.headers, refusalBody(error, route));
    }
    return sendCall(ready, { ...options, fetch: underneath });
  };
  return withMeter(metered, options);
}

function routeOfRequest(incoming: IncomingRequest): Route {
  if (incoming.url === undefined || isWebSocket(incoming)) return { kind: "unknown" };
  return routeOf(incoming.method, incoming.url);
}

/** A WebSocket opens with a GET, and what passes through it is seen by nobody. */
const isWebSocket = ({ headers }: IncomingRequest) => headers.get("upgrade")?.toLowerCase() === "websocket";

function unrecognized(incoming: IncomingRequest, route: Route): UnrecognizedRequestError {
  const { url, method } = incoming;
  const feature = isWebSocket(incoming) ? "session" : url && unboundedPost(url);
  const address = url === undefined ? "an address that is not absolute" : shownAddress(url);
  const said = route.kind === "unknown" ? route.reason : undefined;
  const why = feature === undefined ? said : UNBOUNDED_FEATURES[feature];
  const reason = why === undefined ? "" : ` (${why})`;
  return new UnrecognizedRequestError(
    `${method} to ${address} is no call that can be metered${reason}, and might cost money that nobody counts. ` +
      'Send it by another fetch, or let such requests pass unmetered with `unknownRequest: "pass"`. ' +
      "To have an API metered, add its file to src/providers, as the README shows.",
  );
}

/** Who was called, as far as the request was read. */
function namesOf(prepared: PreparedCall | undefined): Pick<MeterEvent, "provider" | "model"> {
  return prepared === undefined ? {} : { provider: prepared.provider, model: prepared.model };
}

/** Errors of the user's own `estimate` are no error of the meter. */
function errorField(error: unknown): Pick<MeterEvent, "error"> {
  return error instanceof AgentLimitError ? { error } : {};
}

function refusalBody(error: unknown, route: Route): JsonObject {
  const code = error instanceof AgentLimitError ? error.code : "ESTIMATE_FAILED";
  const message = error instanceof Error ? error.message : String(error);
  return route.kind === "call" ? route.api.errorBody(code, message) : { error: { code, message } };
}

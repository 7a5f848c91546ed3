/** What a test of a client works with: a local upstream, a meter over a real Redis, and a network that leads to it. */
import { inject } from "vitest";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { type Answer, startUpstream, type Upstream } from "../support/upstream.ts";
import type { Fetch, Sdk, SdkClient } from "./sdk.ts";

export interface Bench {
  upstream: Upstream;
  network: Fetch;
  close(): Promise<void>;
}

export async function startBench(answer?: Answer): Promise<Bench> {
  const upstream = await startUpstream(answer);
  return { upstream, network: networkTo(upstream.url), close: () => upstream.close() };
}

/** Where every host is the upstream, so that clients and meter work by the providers' own addresses. */
export function networkTo(upstreamUrl: string): Fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { host, pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set("x-forwarded-host", host);
    const { method, signal } = request;
    const body = request.body === null ? null : await request.arrayBuffer();
    return fetch(`${upstreamUrl}${pathname}${search}`, { method, headers, body, signal });
  };
}

/** A client with a meter of its own. */
export interface MeteredClient extends SdkClient {
  meter: UsageMeter;
  events: MeterEvent[];
  standing(): Promise<Standing>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Standing {
  nanoUsd: number;
  tokens: number;
  heldUsd: number;
}

export interface MeteredClientOptions extends Partial<NodeMeterOptions> {
  maxRetries?: number;
  usd?: string;
}

/** The meter's Redis is the real one of the run, in a namespace that nobody else uses. */
export function meteredClient(
  sdk: Sdk,
  { network }: Pick<Bench, "network">,
  { maxRetries, usd = "1000", ...options }: MeteredClientOptions = {},
): MeteredClient {
  const events: MeterEvent[] = [];
  const meter = new UsageMeter({
    ...(options.store === undefined ? { redisUrl: inject("redisUrl") } : {}),
    namespace: freshNamespace(),
    agentId: "sdk",
    budgets: [{ window: "total", usd }],
    models: { "our-deployment": "gpt-4o-mini" },
    fetch: network,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return {
    ...sdk.connect({ meter, network, maxRetries }),
    meter,
    events,
    async standing() {
      await meter.flush();
      const { nanoUsdSpent, tokensSpent, usdHeld } = await meter.getUsage();
      return { nanoUsd: nanoUsdSpent, tokens: tokensSpent, heldUsd: usdHeld };
    },
    [Symbol.asyncDispose]: () => meter.close(),
  };
}

/** What a call costs by hand. */
export function costNanoUsd(
  { price }: Sdk,
  { inputTokens, outputTokens }: { inputTokens: number; outputTokens: number },
): number {
  return inputTokens * price.input + outputTokens * price.output;
}

export async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

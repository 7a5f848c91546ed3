/** Clients that leave in the middle of an answer, over real sockets, in Node and in workerd. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { speakBothApis, startUpstream, type Upstream } from "../support/upstream.ts";
import { startWorkerd } from "../support/workerd.ts";

interface Gateway {
  url: string;
  stop(): Promise<unknown>;
}

/** 7 input and 3 output tokens. */
const CALLS = [
  {
    name: "chat completions, usage asked for by the meter",
    path: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: [], max_tokens: 64, stream: true },
    leastNanoUsd: 2_850,
  },
  {
    name: "chat completions, usage asked for by the caller",
    path: "/v1/chat/completions",
    body: {
      model: "gpt-4o-mini",
      messages: [],
      max_tokens: 64,
      stream: true,
      stream_options: { include_usage: true },
    },
    leastNanoUsd: 2_850,
  },
  {
    name: "Anthropic messages",
    path: "/v1/messages",
    body: { model: "claude-haiku-4-5", messages: [], max_tokens: 64, stream: true },
    leastNanoUsd: 22_000,
  },
];

const RUNTIMES: [name: string, start: (upstreamUrl: string, namespace: string) => Promise<Gateway>][] = [
  ["Node", startNodeGateway],
  ["workerd", startWorker],
  ["workerd with enable_request_signal", (...args) => startWorker(...args, ["enable_request_signal"])],
];

describe.each(RUNTIMES)("A client of %s that leaves", (_runtime, start) => {
  const namespace = freshNamespace();
  let upstream: Upstream;
  let gateway: Gateway;
  let ledger: UsageMeter;

  beforeAll(async () => {
    upstream = await startUpstream(speakBothApis({ words: Array(10).fill("word "), pauseMs: 20 }));
    gateway = await start(upstream.url, namespace);
    ledger = new UsageMeter({ redisUrl: inject("redisUrl"), namespace, scope: "worker" });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await ledger?.close();
    await upstream?.close();
  });

  for (const { name, path, body, leastNanoUsd } of CALLS) {
    it.each([1, 4, 8])(`after %i events is charged, and nothing stays held (${name})`, async (count) => {
      const before = (await ledger.getUsage()).nanoUsdSpent;
      await readEvents(`${gateway.url}${path}`, body, count);
      await expect
        .poll(
          async () => {
            const { nanoUsdSpent, usdHeld } = await ledger.getUsage();
            return { isCharged: nanoUsdSpent - before >= leastNanoUsd, usdHeld };
          },
          { timeout: 5_000 },
        )
        .toEqual({ isCharged: true, usdHeld: 0 });
    });
  }
});

/** Reads until so many events have come, and closes the connection. */
async function readEvents(url: string, body: object, count: number): Promise<void> {
  const call = request(url, { method: "POST" });
  call.end(JSON.stringify(body));
  const [response] = await once(call, "response");
  let events = 0;
  for await (const chunk of response) {
    events += String(chunk).split("\n\n").length - 1;
    if (events >= count) break;
  }
  call.destroy();
}

async function startNodeGateway(upstreamUrl: string, namespace: string): Promise<Gateway> {
  const meter = new UsageMeter({
    redisUrl: inject("redisUrl"),
    namespace,
    scope: "worker",
    monthlyBudgetUsd: 1_000_000,
  });
  const server = createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const answer = await meter.fetch(`${upstreamUrl}${incoming.url}`, { method: "POST", body });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) throw new Error("There is no stream.");
    await pipeline(answer.body, response).catch(() => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The gateway has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await meter.close();
    },
  };
}

function startWorker(
  upstreamUrl: string,
  namespace: string,
  compatibilityFlags: string[] = [],
): Promise<Gateway> {
  return startWorkerd({
    entry: "test/support/streaming-worker.ts",
    env: {
      UPSTREAM_URL: upstreamUrl,
      REST_URL: inject("restUrl"),
      REST_TOKEN: inject("restToken"),
      NAMESPACE: namespace,
    },
    compatibilityFlags,
  });
}

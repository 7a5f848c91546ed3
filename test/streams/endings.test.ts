/** Every way in which a call can end, and what is booked for it: nothing is free unless it is provably unbilled. */
import type { ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { memoryStore, UsageMeter } from "../../src/index.ts";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { UsageMeter as NodeUsageMeter } from "../../src/node.ts";
import { freshNamespace, rejection } from "../meter/stores.ts";
import {
  type Answer,
  cutAfter,
  hangUp,
  json,
  neverAnswer,
  raw,
  speakBothApis,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";
import { type RunningWorker, startWorkerd } from "../support/workerd.ts";

type Booked = "reported" | "estimated" | "nothing";

interface Call {
  name: string;
  path: string;
  body: object;
  /** 7 tokens in, 3 out. */
  reportedNanoUsd: number;
  errorBody: object;
}

const CHAT: Call = {
  name: "chat completions",
  path: "/v1/chat/completions",
  body: { model: "gpt-4o-mini", messages: [], max_tokens: 64 },
  reportedNanoUsd: 2_850,
  errorBody: { error: { message: "Too much", type: "requests", code: "rate_limit_exceeded" } },
};
const CLAUDE: Call = {
  name: "Anthropic messages",
  path: "/v1/messages",
  body: { model: "claude-haiku-4-5", messages: [], max_tokens: 64 },
  reportedNanoUsd: 22_000,
  errorBody: { type: "error", error: { type: "rate_limit_error", message: "Too much" } },
};

const SLOW = speakBothApis({ words: Array(20).fill("word "), pauseMs: 50 });

/** What somebody does with a call; what it rejects with is theirs. */
type Act = (send: (signal?: AbortSignal) => Promise<Response>) => Promise<unknown>;

const read: Act = async (send) => (await send()).text();
const abortAfterMs =
  (milliseconds: number): Act =>
  async (send) => {
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(), milliseconds);
    return (await send(aborter.signal)).text();
  };
const leaveAfterOneChunk: Act = async (send) => {
  for await (const _chunk of (await send()).body ?? []) return;
};
const neverRead: Act = (send) => send();
const cancelUnread: Act = async (send) => (await send()).body?.cancel();

interface Ending {
  ending: string;
  stream?: boolean;
  answer: (call: Call) => Answer;
  act?: Act;
  booked: Booked;
  /** A `failed` event says that an answer came whose cost nobody knows. */
  tells?: boolean;
}

const html = (status: number) => () =>
  raw("<html>Bad gateway</html>", status, { "content-type": "text/html" });
const error = (status: number) => (call: Call) => json(call.errorBody, status);
const streamEnds = (end: (response: ServerResponse) => void): Answer => {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": waiting\n\n", () => end(response));
  };
};

const ENDINGS: Ending[] = [
  { ending: "completes", answer: () => speakBothApis(), booked: "reported" },
  { ending: "completes as a stream", stream: true, answer: () => speakBothApis(), booked: "reported" },
  { ending: "is answered without usage", answer: () => json({}), booked: "estimated", tells: true },
  {
    ending: "is answered with what is no JSON",
    answer: () => raw("{", 200, { "content-type": "application/json" }),
    booked: "estimated",
    tells: true,
  },
  {
    ending: "is a stream without usage",
    stream: true,
    answer: () => streamEnds((response) => response.end()),
    booked: "estimated",
    tells: true,
  },
  { ending: "is answered with nothing at all", answer: () => raw("", 200), booked: "estimated", tells: true },
  { ending: "is refused by the API (400)", answer: error(400), booked: "nothing" },
  { ending: "is refused by the API (429)", answer: error(429), booked: "nothing" },
  { ending: "fails in the API's own form (500)", answer: error(500), booked: "nothing" },
  {
    ending: "is a stream that is refused by the API (529)",
    stream: true,
    answer: error(529),
    booked: "nothing",
  },
  { ending: "times out in the API's own form (408)", answer: error(408), booked: "estimated", tells: true },
  {
    ending: "is cancelled in the API's own form (499)",
    answer: error(499),
    booked: "estimated",
    tells: true,
  },
  { ending: "times out at a gateway (504)", answer: error(504), booked: "estimated", tells: true },
  { ending: "times out at a proxy (520)", answer: error(520), booked: "estimated", tells: true },
  { ending: "times out at a proxy (527)", answer: error(527), booked: "estimated", tells: true },
  { ending: "times out at a proxy (524)", answer: error(524), booked: "estimated", tells: true },
  { ending: "fails in something in between (502)", answer: html(502), booked: "estimated", tells: true },
  { ending: "is forbidden by something in between", answer: html(403), booked: "estimated", tells: true },
  { ending: "fails with an empty body", answer: () => raw("", 500), booked: "estimated", tells: true },
  {
    ending: "is stopped by a guard that has its answer (446)",
    answer: () => json({ error: { message: "stopped" }, choices: [{ index: 0 }] }, 446),
    booked: "estimated",
    tells: true,
  },
  { ending: "loses its connection before the headers", answer: () => hangUp, booked: "estimated" },
  {
    ending: "loses its connection in the body",
    answer: () => cutAfter(40, speakBothApis()),
    booked: "estimated",
  },
  {
    ending: "loses its connection in a stream",
    stream: true,
    answer: () => cutAfter(250, speakBothApis()),
    booked: "estimated",
  },
  {
    ending: "loses its connection in an error",
    answer: (call) => cutAfter(10, json(call.errorBody, 500)),
    booked: "estimated",
  },
  {
    ending: "is aborted by its caller before the headers",
    answer: () => neverAnswer,
    act: abortAfterMs(50),
    booked: "estimated",
  },
  {
    ending: "is aborted by its caller in a stream",
    stream: true,
    answer: () => SLOW,
    act: abortAfterMs(150),
    booked: "estimated",
  },
  {
    ending: "is left by its reader in a stream",
    stream: true,
    answer: () => SLOW,
    act: leaveAfterOneChunk,
    booked: "estimated",
  },
  {
    ending: "is a stream that is cancelled unread",
    stream: true,
    answer: () => SLOW,
    act: cancelUnread,
    booked: "estimated",
  },
  {
    ending: "is a stream that is never read",
    stream: true,
    answer: () => speakBothApis(),
    act: neverRead,
    booked: "reported",
  },
  {
    ending: "is an answer that is never read",
    answer: () => speakBothApis(),
    act: neverRead,
    booked: "reported",
  },
  {
    ending: "is an answer that is cancelled unread",
    answer: () => speakBothApis(),
    act: cancelUnread,
    booked: "reported",
  },
];

describe.each([CHAT, CLAUDE])("A call to $name that", (call) => {
  let upstream: Upstream;
  let meter: UsageMeter;
  let events: MeterEvent[];

  beforeEach(async () => {
    upstream = await startUpstream();
    events = [];
    meter = new UsageMeter({
      scope: "endings",
      store: memoryStore(),
      monthlyBudgetUsd: 1,
      onEvent: (event) => void events.push(event),
    });
  });
  afterEach(() => upstream.close());

  const send = (stream: boolean) => (signal?: AbortSignal) =>
    meter.fetch(`${upstream.url}${call.path}`, {
      method: "POST",
      body: JSON.stringify({ ...call.body, ...(stream && { stream }) }),
      ...(signal && { signal }),
    });

  /** What is booked when nothing is held any more. */
  async function booked(): Promise<{ as: Booked; nanoUsd: number }> {
    await expect.poll(async () => (await meter.getUsage()).usdHeld, { timeout: 3_000 }).toBe(0);
    await meter.flush();
    const settled = events.filter(({ type }) => type === "settled");
    const { nanoUsdSpent } = await meter.getUsage();
    return { as: settled[0]?.receipt?.source ?? "nothing", nanoUsd: nanoUsdSpent };
  }

  it.each(ENDINGS)("$ending: $booked", async (row) => {
    const { stream = false, answer, act = read, tells = false } = row;
    upstream.answer = answer(call);
    await Promise.allSettled([act(send(stream))]);
    const { as, nanoUsd } = await booked();
    expect(as).toBe(row.booked);
    if (as === "nothing") expect(nanoUsd).toBe(0);
    if (as === "reported") expect(nanoUsd).toBe(call.reportedNanoUsd);
    if (as === "estimated") expect(nanoUsd).toBeGreaterThan(call.reportedNanoUsd);
    expect(events.some(({ type }) => type === "failed")).toBe(tells);
    expect(upstream.requests).toHaveLength(1);
  });

  it("is aborted before it is sent: nothing, and nothing is sent", async () => {
    const reason = new Error("too late");
    expect(await rejection(send(false)(AbortSignal.abort(reason)))).toBe(reason);
    expect(await booked()).toEqual({ as: "nothing", nanoUsd: 0 });
    expect(upstream.requests).toHaveLength(0);
  });

  it("was estimated is corrected by what is reported later, once", async () => {
    upstream.answer = hangUp;
    await rejection(send(false)());
    await booked();
    const id = events[0]?.id ?? "";
    const usage = { costUsd: "0.000001" };
    expect(await meter.hold(id).settle(usage)).toMatchObject({ source: "reported", costNanoUsd: 1_000 });
    expect((await meter.getUsage()).nanoUsdSpent).toBe(1_000);
    expect(await meter.hold(id).settle(usage)).toMatchObject({ replayed: true });
    expect(await rejection(meter.hold(id).settle({ costUsd: "0.1" }))).toMatchObject({
      code: "ALREADY_SETTLED",
    });
    expect((await meter.getUsage()).nanoUsdSpent).toBe(1_000);
  });
});

describe("An error that states its usage", () => {
  it("is booked as reported: it was billed", async () => {
    const upstream = await startUpstream(
      json({ ...CHAT.errorBody, usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }, 500),
    );
    const meter = new UsageMeter({ scope: "endings", store: memoryStore(), monthlyBudgetUsd: 1 });
    const init = { method: "POST", body: JSON.stringify(CHAT.body) };
    await (await meter.fetch(`${upstream.url}${CHAT.path}`, init)).text();
    expect((await meter.getUsage()).nanoUsdSpent).toBe(CHAT.reportedNanoUsd);
    await upstream.close();
  });
});

describe("A stream that passes natively through workerd", () => {
  const namespace = freshNamespace();
  let upstream: Upstream;
  let worker: RunningWorker;
  let ledger: NodeUsageMeter;

  beforeAll(async () => {
    upstream = await startUpstream();
    worker = await startWorkerd({
      entry: "test/support/streaming-worker.ts",
      env: {
        UPSTREAM_URL: upstream.url,
        REST_URL: inject("restUrl"),
        REST_TOKEN: inject("restToken"),
        NAMESPACE: namespace,
      },
    });
    ledger = new NodeUsageMeter({ redisUrl: inject("redisUrl"), namespace, scope: "worker" });
  }, 60_000);
  afterAll(async () => {
    await worker?.stop();
    await ledger?.close();
    await upstream?.close();
  });

  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const choices = [{ index: 0, delta: {}, finish_reason: "stop" }];
  const last = `data: ${JSON.stringify({ model: "gpt-4o-mini", choices, usage })}\n\n`;
  const streamWith = (text: string, then: (response: ServerResponse) => void): Answer => {
    return (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(text, () => then(response));
    };
  };
  /** The caller asks for the usage, so that nothing is hidden from it. */
  const send = () =>
    fetch(`${worker.url}${CHAT.path}`, {
      method: "POST",
      body: JSON.stringify({ ...CHAT.body, stream: true, stream_options: { include_usage: true } }),
    });
  const spentBy = async (call: () => Promise<unknown>) => {
    const before = (await ledger.getUsage()).nanoUsdSpent;
    await call();
    const spent = async () => (await ledger.getUsage()).nanoUsdSpent - before;
    await expect.poll(spent, { timeout: 3_000 }).toBeGreaterThan(0);
    return spent();
  };

  it("is estimated when its connection breaks before it ends, whatever it had stated", async () => {
    upstream.answer = streamWith(last, (response) => setTimeout(() => response.destroy(), 100));
    const nanoUsd = await spentBy(async () => (await send()).text().catch(() => {}));
    expect(nanoUsd).toBeGreaterThan(CHAT.reportedNanoUsd);
  });

  it("is reported once its last event came, however long it stays open", async () => {
    upstream.answer = streamWith(`${last}data: [DONE]\n\n`, () => {});
    let response: Response | undefined;
    const nanoUsd = await spentBy(async () => {
      response = await send();
    });
    expect(nanoUsd).toBe(CHAT.reportedNanoUsd);
    await response?.body?.cancel();
  });
});

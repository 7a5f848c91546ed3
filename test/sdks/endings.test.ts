/** Every way in which a call can end that was sent, through every client: charged, unless it is provably unbilled. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failure } from "../support/outcomes.ts";
import { type Answer, cutAfter, hangUp, json, neverAnswer, raw, speakBothApis } from "../support/upstream.ts";
import { type Bench, type MeteredClient, meteredClient, startBench, textOf } from "./bench.ts";
import { SDKS } from "./clients/index.ts";

const long = { words: Array(12).fill("word "), pauseMs: 40 };

const answers: [name: string, answer: Answer][] = [
  ["a page of something in between", raw("<html>Bad gateway</html>", 502, { "content-type": "text/html" })],
  ["an empty answer", raw("", 503)],
  ["a gateway time-out", json({ error: { message: "Timeout" }, type: "error" }, 504)],
  [
    "an answer without usage",
    json({ choices: [], output: [], candidates: [], type: "message", content: [] }),
  ],
  ["a closed connection", hangUp],
];

describe.each(SDKS)("$name under a meter", (sdk) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startBench();
  });
  afterEach(() => bench.close());

  const once = { maxRetries: 0 };

  /** The call was charged at its hold, each call of it where a client makes several, and nothing is held. */
  async function expectEstimate(client: MeteredClient): Promise<void> {
    const sources = () =>
      client.events.filter(({ type }) => type === "settled").map(({ receipt }) => receipt?.source);
    await expect.poll(sources, { timeout: 5_000 }).not.toEqual([]);
    const { nanoUsd, heldUsd } = await client.standing();
    expect(new Set(sources())).toEqual(new Set(["estimated"]));
    expect(heldUsd).toBe(0);
    expect(nanoUsd).toBeGreaterThan(7 * sdk.price.input + 3 * sdk.price.output);
  }

  it.each(answers)("is charged the estimate for %s", async (_name, answer) => {
    bench.upstream.answer = answer;
    await using client = meteredClient(sdk, bench, once);
    await client.ask("Hi").catch(() => {});
    await expectEstimate(client);
  });

  it("is charged the estimate for a stream that breaks", async () => {
    bench.upstream.answer = cutAfter(700, speakBothApis({ words: Array(50).fill("word ") }));
    await using client = meteredClient(sdk, bench, once);
    await failure(textOf(client.stream("Hi")));
    await expectEstimate(client);
  });

  it("is charged the estimate for a stream that its caller aborts", async () => {
    bench.upstream.answer = speakBothApis(long);
    await using client = meteredClient(sdk, bench, once);
    const aborter = new AbortController();
    const reading = async () => {
      for await (const _piece of client.stream("Hi", aborter.signal)) aborter.abort();
    };
    await reading().catch(() => {});
    await bench.upstream.requests[0]?.done;
    expect(bench.upstream.requests.map(({ aborted }) => aborted)).toEqual([true]);
    await expectEstimate(client);
  });

  it("is charged the estimate where its caller aborts before an answer came", async () => {
    const aborter = new AbortController();
    bench.upstream.answer = async (request, response) => {
      aborter.abort();
      await neverAnswer(request, response);
    };
    await using client = meteredClient(sdk, bench, once);
    await failure(client.ask("Hi", aborter.signal));
    await expectEstimate(client);
  });

  it("sends and holds nothing for a call that was aborted before", async () => {
    await using client = meteredClient(sdk, bench, once);
    await failure(client.ask("Hi", AbortSignal.abort()));
    expect(bench.upstream.requests).toEqual([]);
    expect(client.events).toEqual([]);
    expect(await client.standing()).toEqual({ nanoUsd: 0, tokens: 0, heldUsd: 0 });
  });
});

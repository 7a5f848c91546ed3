/** What every client sees of a meter, over real HTTP and a real Redis. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { BudgetExceededError } from "../../src/errors.ts";
import { failure } from "../support/outcomes.ts";
import { json, speakBothApis } from "../support/upstream.ts";
import { type Bench, costNanoUsd, meteredClient, startBench, textOf } from "./bench.ts";
import { SDKS } from "./clients/index.ts";

const said = { inputTokens: 7, outputTokens: 3, words: ["Ich", " heiße", " Ada ", "👩‍💻."] };
const text = said.words.join("");

const breaks: string[] = [];
afterAll(() => console.log(`A break out of a stream took (aim: 50 ms)\n${breaks.join("\n")}`));

describe.each(SDKS)("$name under a meter", (sdk) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await startBench(speakBothApis(said));
  });
  afterEach(() => bench.close());

  const spent = { nanoUsd: costNanoUsd(sdk, said), tokens: said.inputTokens + said.outputTokens, heldUsd: 0 };
  const nothing = { nanoUsd: 0, tokens: 0, heldUsd: 0 };

  it("gives its answer, and is charged what the provider counted", async () => {
    await using client = meteredClient(sdk, bench);
    expect(await client.ask("Wie heißt du?")).toBe(text);
    expect(await client.standing()).toEqual(spent);
    expect(client.events).toMatchObject([
      { type: "settled", provider: sdk.provider, receipt: { source: "reported" } },
    ]);
  });

  it("streams its answer, and is charged what the provider counted", async () => {
    await using client = meteredClient(sdk, bench);
    expect(await textOf(client.stream("Wie heißt du?"))).toBe(text);
    expect(await client.standing()).toEqual(spent);
    expect(client.events).toMatchObject([{ type: "settled", receipt: { source: "reported" } }]);
  });

  it.each(["ask", "stream"] as const)(
    "gets our very error over the budget, after one attempt, before anything is sent (%s)",
    async (way) => {
      await using client = meteredClient(sdk, bench, { usd: "0.000001" });
      const error = await failure(way === "ask" ? client.ask("Hi") : textOf(client.stream("Hi")));
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(BudgetExceededError.from(error)).toBe(error);
      expect(client.events).toMatchObject([{ type: "denied" }]);
      expect(client.events[0]?.error).toBe(error);
      expect(bench.upstream.requests).toEqual([]);
      expect(await client.standing()).toEqual(nothing);
    },
  );

  it("gets its own error for a bad request, which is charged nothing", async () => {
    bench.upstream.answer = json(sdk.refusal.body, 400);
    await using client = meteredClient(sdk, bench);
    const error = await failure(client.ask("Hi"));
    expect(error).toMatchObject(sdk.refusal.error);
    expect(BudgetExceededError.from(error)).toBeUndefined();
    expect(bench.upstream.requests.length).toBe(1);
    expect(await client.standing()).toEqual(nothing);
  });

  it.runIf(sdk.retries !== "never")(
    "tries again after a failure, under a hold for each attempt",
    async () => {
      let attempts = 0;
      bench.upstream.answer = (request, response) => {
        attempts += 1;
        const failing = json(sdk.refusal.body, 500, { "retry-after-ms": "1" });
        return (attempts === 1 ? failing : speakBothApis(said))(request, response);
      };
      await using client = meteredClient(sdk, bench);
      expect(await client.ask("Hi")).toBe(text);
      expect(attempts).toBe(2);
      expect(await client.standing()).toEqual(spent);
    },
  );

  it("leaves a stream at once, though the provider goes on, and is charged", async () => {
    bench.upstream.answer = speakBothApis({ ...said, words: Array(14).fill("word "), pauseMs: 60 });
    await using client = meteredClient(sdk, bench);
    let leftAtMs = 0;
    for await (const _piece of client.stream("Hi")) {
      leftAtMs = performance.now();
      break;
    }
    const tookMs = performance.now() - leftAtMs;
    breaks.push(`${sdk.name.padEnd(30)} ${tookMs.toFixed(1).padStart(6)} ms`);
    // The provider takes twice as long.
    expect(tookMs).toBeLessThan(400);
    // Some clients cut the connection, others leave the stream to itself.
    await expect.poll(() => client.events, { timeout: 5_000 }).toMatchObject([{ type: "settled" }]);
    const { nanoUsd, heldUsd } = await client.standing();
    expect(heldUsd).toBe(0);
    expect(nanoUsd).toBeGreaterThanOrEqual(spent.nanoUsd);
  });
});

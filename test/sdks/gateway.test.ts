/** Vercel's gateway: the one client that sends a refused request again, whatever it is told. */
import { createGateway, generateText } from "ai";
import { expect, it } from "vitest";
import { UnrecognizedRequestError } from "../../src/errors.ts";
import { failure } from "../support/outcomes.ts";
import { meteredClient, startBench } from "./bench.ts";
import { SDKS } from "./clients/index.ts";

it("A call through the gateway's own fetch is refused at each of its attempts, and never sent", async () => {
  const [sdk] = SDKS;
  if (sdk === undefined) throw new Error("no client");
  const bench = await startBench();
  await using client = meteredClient(sdk, bench);
  const model = createGateway({ apiKey: "none", fetch: client.meter.fetch })("openai/gpt-5-mini");
  // Left to itself it makes three attempts, in six seconds.
  const error = await failure(generateText({ model, prompt: "Hi", maxRetries: 1 }));
  const refusals = client.events.map((event) => event.error);
  expect(refusals.length).toBe(2);
  expect(refusals.every((refusal) => refusal instanceof UnrecognizedRequestError)).toBe(true);
  expect(error).not.toBeInstanceOf(UnrecognizedRequestError);
  expect(causesOf(error)).toContain(refusals.at(-1));
  expect(bench.upstream.requests).toEqual([]);
  await bench.close();
});

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let next = error; typeof next === "object" && next !== null; ) {
    causes.push(next);
    next = Reflect.get(next, "cause") ?? Reflect.get(next, "lastError");
  }
  return causes;
}

import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentLimitError, InvalidUsageError, UnrecognizedRequestError } from "../../src/errors.ts";
import type { HeldBound } from "../../src/metering/calls.ts";
import { createMeteredFetch, type MeteredFetchOptions } from "../../src/metering/fetch.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { failure } from "../support/outcomes.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type MemoryTestMeter, memoryTestMeter } from "./test-meter.ts";

const prices = createPriceBook();
let upstream: Upstream;
let meter: MemoryTestMeter;
let bounds: HeldBound[];

beforeEach(async () => {
  upstream = await startUpstream();
  meter = await memoryTestMeter();
  bounds = [];
});
afterEach(() => upstream.close());

async function send(
  body: string | Uint8Array<ArrayBuffer>,
  {
    headers = {},
    path = "/v1/chat/completions",
    ...options
  }: Partial<MeteredFetchOptions> & { headers?: Record<string, string>; path?: string } = {},
): Promise<HeldBound> {
  const watched = {
    ...meter.meter,
    hold(bound: HeldBound, id: string) {
      bounds.push(bound);
      return meter.meter.hold(bound, id);
    },
  };
  const metered = createMeteredFetch({ meter: watched, prices, ...options });
  const init = { method: "POST", body, headers };
  await (await metered(upstream.url + path, init)).text();
  const bound = bounds.at(-1);
  if (bound === undefined) throw new Error("Nothing was held.");
  return bound;
}

const chat = (fields: string, text = "hello") =>
  `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"${text}"}],${fields}}`;

describe("A body that its bound might read otherwise than a server is refused unsent:", () => {
  const refused = async (sent: Promise<unknown>, kind: typeof InvalidUsageError) => {
    const error = await failure(sent);
    expect(error).toBeInstanceOf(kind);
    expect(upstream.requests).toEqual([]);
    return error instanceof Error ? error.message : "";
  };

  it.each([
    ["a limit", chat('"max_tokens":5,"max_tokens":50000')],
    ["a limit in other letters", chat('"max_tokens":50000,"max\\u005ftokens":5')],
    ["a model", `{"model":"o1-pro",${chat('"n":1').slice(1)}`],
    ["a message", '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"long","content":""}]}'],
    ["a tool's type", chat('"tools":[{"type":"web_search","type":"function"}]')],
  ])("%s that stands twice", async (_name, body) => {
    const message = await refused(send(body), InvalidUsageError);
    expect(message).toContain("stands twice");
    expect(message).not.toContain("max_tokens");
  });

  it.each([
    ["1e300", "1e300"],
    ["1e400", "1e400"],
    ["a text", '"5"'],
    ["below 0", "-1"],
    ["a fraction", "0.5"],
    ["a list", "[5]"],
    ["above what is exact", "9007199254740993"],
  ])("a limit that is %s", async (_name, value) => {
    await refused(send(chat(`"max_tokens":${value}`)), InvalidUsageError);
    await refused(send(chat(`"max_completion_tokens":5,"max_tokens":${value}`)), InvalidUsageError);
    await refused(send(chat(`"max_tokens":5,"n":${value}`)), InvalidUsageError);
  });

  it("a limit and a number of choices that are more together than any price", async () => {
    await refused(send(chat('"max_tokens":9007199254740991,"n":9007199254740991')), InvalidUsageError);
  });

  it.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>]>([
    ["compressed", new Uint8Array(gzipSync(chat('"n":1'))), { "content-encoding": "gzip" }],
    ["said to be compressed", chat('"n":1'), { "content-encoding": "br" }],
    ["said to be other text", chat('"n":1'), { "content-type": "application/json; charset=utf-16" }],
    ["in UTF-16", new Uint8Array(Buffer.from(chat('"n":1'), "utf16le")), {}],
    ["text with a mark of its byte order", `\uFEFF${chat('"n":1')}`, {}],
    ["nested too deeply", chat(`"x":${"[".repeat(200_000)}${"]".repeat(200_000)}`), {}],
  ])("one that is %s", async (_name, body, headers) => {
    await refused(send(body, { headers }), UnrecognizedRequestError);
  });

  it("however deep it is, as an error of this library", async () => {
    for (const depth of [100, 1_000, 3_000, 5_000, 20_000]) {
      const nested = `${'{"type":"tool_result","content":['.repeat(depth)}${"]}".repeat(depth)}`;
      const body = `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":[${nested}]}]}`;
      const error = await send(body, { path: "/v1/messages" }).catch((reason: unknown) => reason);
      if (error instanceof Error) expect(error).toBeInstanceOf(AgentLimitError);
    }
  });
});

describe("A body's bound", () => {
  it("takes the dearer of two limits, and the one that stands", async () => {
    const base = await send(chat('"max_tokens":100'));
    const both = await send(chat('"max_tokens":100,"max_completion_tokens":900'));
    expect((both.tokens ?? 0) - (base.tokens ?? 0)).toBe(800 + ',"max_completion_tokens":900'.length);
  });

  it("counts an escaped text as the text that it is", async () => {
    const plain = await send(chat('"max_tokens":5', "AAAA ﷺ ﷺ"));
    const escaped = await send(chat('"max_tokens":5', "\\u0041\\u0041AA \\ufdfa \\uFDFA"));
    expect(escaped.tokens).toBe(plain.tokens);
  });

  it("counts halves of characters at no less than what is sent in their place", async () => {
    const lone = await send(chat('"max_tokens":5', "\\ud800".repeat(100)));
    const replaced = await send(chat('"max_tokens":5', "\uFFFD".repeat(100)));
    expect(lone.tokens).toBeGreaterThanOrEqual(replaced.tokens ?? Number.NaN);
  });

  it("sees past a byte order mark that the bytes begin with, and `charset=UTF-8`", async () => {
    const bytes = new TextEncoder().encode(`\uFEFF${chat('"max_tokens":5')}`);
    const headers = { "content-type": 'application/json;charset="UTF-8"', "content-encoding": "identity" };
    expect((await send(bytes, { headers })).tokens).toBe((await send(chat('"max_tokens":5'))).tokens);
  });

  it("takes a `__proto__` for the field that it is, and passes it on", async () => {
    const sent = '"__proto__":{"max_tokens":5,"tools":[{"type":"web_search"}]}';
    const bound = await send(chat(sent), { defaultMaxOutputTokens: 50 });
    expect(bound.tokens).toBeLessThan(1_024 + 300);
    expect(upstream.requests[0]?.body).toMatchObject({ max_completion_tokens: 50 });
    const body = JSON.stringify(upstream.requests[0]?.body);
    expect(body).toContain(sent);
    expect(Reflect.get({}, "max_tokens")).toBeUndefined();
  });
});

describe("A rewritten body", () => {
  it("differs from the caller's in what was written alone", async () => {
    let sent = "";
    const underneath: typeof fetch = (input, init) => {
      sent = String(init?.body);
      return fetch(input, init);
    };
    const body = chat('"stream":true, "seed":9007199254740993,"x":1.0', "\\u00e9 \\/");
    await send(body, { fetch: underneath, defaultMaxOutputTokens: 7 });
    const written = ',"max_completion_tokens":7,"stream_options":{"include_usage":true}}';
    expect(sent).toBe(body.replace(/\}$/, written));
  });
});

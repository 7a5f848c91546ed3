/** What must never leave the process but to the provider: prompts, completions, keys. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { UsageMeter } from "../../src/node.ts";
import { startBridge, type TestBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import {
  type Answer,
  cutAfter,
  hangUp,
  json,
  raw,
  speakBothApis,
  startUpstream,
  type Upstream,
} from "../support/upstream.ts";

const CANARY = "CANARY";
const SECRETS = {
  prompt: `${CANARY}-PROMPT-77`,
  completion: `${CANARY}-COMPLETION-77`,
  key: `sk-${CANARY}-KEY-77`,
  restToken: `${CANARY}-REST-77`,
};

const CALLS = [
  {
    path: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", max_tokens: 64, messages: [{ role: "user", content: SECRETS.prompt }] },
  },
  {
    path: "/v1/messages",
    body: {
      model: "claude-haiku-4-5",
      max_tokens: 64,
      messages: [{ role: "user", content: SECRETS.prompt }],
    },
  },
  {
    path: "/v1/responses",
    body: { model: "gpt-4o-mini", max_output_tokens: 64, input: SECRETS.prompt },
  },
  {
    // Google's key may stand in the address.
    path: `/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=${SECRETS.key}`,
    body: { contents: [{ parts: [{ text: SECRETS.prompt }] }], generationConfig: { maxOutputTokens: 64 } },
  },
];

const says: Answer = speakBothApis({ words: [SECRETS.completion] });
const ANSWERS: [name: string, answer: Answer][] = [
  ["an answer", says],
  [
    "an answer by a model without a price",
    speakBothApis({ model: "unheard-of", words: [SECRETS.completion] }),
  ],
  ["an answer without usage", json({ choices: [], content: SECRETS.completion, type: "message" })],
  [
    "an error that repeats the prompt and the key",
    json({ error: { message: Object.values(SECRETS).join() } }, 400),
  ],
  ["an error page that repeats them", raw(Object.values(SECRETS).join(), 502)],
  ["a broken connection", hangUp],
  ["a broken answer", cutAfter(120, says)],
];

describe("Prompts, completions and keys", () => {
  let redis: RedisServer;
  let bridge: TestBridge;
  let upstream: Upstream;
  beforeAll(async () => {
    redis = await startRedisServer();
    bridge = await startBridge(redis.url, { token: SECRETS.restToken });
    upstream = await startUpstream();
  });
  afterAll(async () => {
    await upstream.close();
    await bridge.close();
    await redis.stop();
  });

  /** All that a user of the meter could log: events, errors with their causes, and what was printed. */
  async function traces(make: (onEvent: (event: object) => void) => UsageMeter, body: object, path: string) {
    const seen: unknown[] = [];
    const printed = (["log", "warn", "error", "info", "debug"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...values) => void seen.push(values)),
    );
    const meter = make((event) => seen.push(event));
    await meter
      .fetch(`${upstream.url}${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${SECRETS.key}`,
          "x-api-key": SECRETS.key,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      })
      .then((response) => response.text())
      .catch((error) => seen.push(error));
    await meter.flush();
    for (const spy of printed) spy.mockRestore();
    return seen.map(inFull).join("\n");
  }

  const overTcp = (options: object) => (onEvent: (event: object) => void) =>
    new UsageMeter({ redisUrl: redis.url, scope: "canary", monthlyBudgetUsd: 1, onEvent, ...options });

  for (const { path, body } of CALLS) {
    for (const stream of [false, true]) {
      it.each(ANSWERS)(
        `are in no event and no error after %s (${path}, stream: ${stream})`,
        async (_name, answer) => {
          upstream.answer = answer;
          const text = await traces(overTcp({}), { ...body, stream }, path);
          expect(text).not.toContain(CANARY);
        },
      );
    }

    const refusals: [name: string, options: object, changes: object][] = [
      ["a budget", { budgets: [{ window: "total", usd: "0.0000001" }], scope: "canary-poor" }, {}],
      ["a model without a price", {}, { model: `unknown-${"x".repeat(300)}` }],
      ["what nothing bounds", {}, { tools: [{ type: "web_search", description: SECRETS.prompt }] }],
      ["a malformed field", {}, { max_tokens: SECRETS.prompt }],
      ["a store that is down", { redisUrl: "redis://127.0.0.1:1" }, {}],
      ["a password that is wrong", { redisUrl: `redis://:${SECRETS.key}@127.0.0.1:1` }, {}],
    ];
    it.each(refusals)(
      `are in no event and no error after a refusal by %s (${path})`,
      async (_name, options, changes) => {
        const text = await traces(overTcp(options), { ...body, ...changes }, path);
        expect(text.length).toBeGreaterThan(0);
        expect(text).not.toContain(CANARY);
      },
    );

    it(`are in no event and no error over REST, up or down (${path})`, async () => {
      upstream.answer = says;
      for (const url of [bridge.url, "http://127.0.0.1:1"]) {
        const rest = { url, token: SECRETS.restToken };
        const text = await traces(
          (onEvent) => new UsageMeter({ redis: rest, scope: "canary", monthlyBudgetUsd: 1, onEvent }),
          body,
          path,
        );
        expect(text.length).toBeGreaterThan(0);
        expect(text).not.toContain(CANARY);
      }
    });
  }

  it.each([
    `/v1/images/${SECRETS.key}`,
    `/v1/${SECRETS.key}/images/generations?key=${SECRETS.key}`,
    `/v1beta/models/gemini-2.5-flash:predict?key=${SECRETS.key}`,
  ])("are in no event and no error after a refusal of what nobody knows (%s)", async (path) => {
    const text = await traces(overTcp({}), { prompt: SECRETS.prompt }, path);
    expect(text).toContain("UNRECOGNIZED_REQUEST");
    expect(text).not.toContain(CANARY);
  });

  it("are nowhere in Redis, after all of this", async () => {
    const client = new Redis(redis.url);
    const keys = await client.keys("*");
    const values = await Promise.all(keys.map((key) => client.dump(key)));
    const lists = await Promise.all(keys.map((key) => textOf(client, key)));
    client.disconnect();
    expect(keys.length).toBeGreaterThan(3);
    expect([...keys, ...values, ...lists].join("\n")).not.toContain(CANARY);
  });
});

/** An error's own fields, its stack and its causes among them. */
function inFull(value: unknown): string {
  if (!(value instanceof Error)) {
    const nested = typeof value === "object" && value !== null && "error" in value ? inFull(value.error) : "";
    return `${JSON.stringify(value)}${nested}`;
  }
  return `${String(value)} ${value.stack} ${JSON.stringify(value)} ${inFull(value.cause)}`;
}

async function textOf(client: Redis, key: string): Promise<string> {
  const type = await client.type(key);
  if (type === "hash") return JSON.stringify(await client.hgetall(key));
  if (type === "list") return JSON.stringify(await client.lrange(key, 0, -1));
  return type === "string" ? String(await client.get(key)) : type;
}

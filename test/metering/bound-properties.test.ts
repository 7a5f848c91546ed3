/** What must hold of the bound of any request, whatever stands in it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokenBoundOf } from "../../src/metering/bound.ts";
import { costNanoUsd } from "../../src/pricing/cost.ts";
import type { ModelPrice } from "../../src/pricing/model-price.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { supportedModels } from "../../src/pricing/supported-models.ts";
import { INPUT_COUNTS, OUTPUT_COUNTS, sumOf } from "../../src/pricing/tokens.ts";
import type { Tokens } from "../../src/pricing/usage.ts";
import { anthropicMessages } from "../../src/providers/anthropic-messages.ts";
import { bedrockConverse } from "../../src/providers/bedrock-converse.ts";
import { gemini } from "../../src/providers/gemini.ts";
import type { JsonObject } from "../../src/providers/json.ts";
import { openAiChat } from "../../src/providers/openai-chat.ts";
import { openAiResponses } from "../../src/providers/openai-responses.ts";
import type { ProviderApi, ProviderCall } from "../../src/providers/provider.ts";
import { boundOf } from "../support/bound-of.ts";

const book = createPriceBook({ unknownModel: { input: "1", output: "2", maxOutputTokens: 1_000 } });

/** An API, and a request of it that says a text. */
interface Form {
  readonly api: ProviderApi;
  readonly url: URL;
  readonly provider: string;
  readonly asking: (text: string, extra?: JsonObject) => JsonObject;
  /** One that shows a picture, in whatever is said to be Base64. */
  readonly picturing: (data: string, text: string) => JsonObject;
}
const FORMS: Record<string, Form> = {
  chat: {
    api: openAiChat,
    url: new URL("https://api.openai.com/v1/chat/completions"),
    provider: "openai",
    asking: (text, extra = {}) => ({ model: "m", messages: [{ role: "user", content: text }], ...extra }),
    picturing: (data, text) => {
      const image = { type: "image_url", image_url: { url: `data:image/png;base64,${data}` } };
      return { model: "m", messages: [{ role: "user", content: [image, { type: "text", text }] }] };
    },
  },
  claude: {
    api: anthropicMessages,
    url: new URL("https://api.anthropic.com/v1/messages"),
    provider: "anthropic",
    asking: (text, extra = {}) => ({
      model: "m",
      max_tokens: 9,
      messages: [{ role: "user", content: [{ type: "tool_result", content: text }] }],
      ...extra,
    }),
    picturing: (data, text) => {
      const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
      return {
        model: "m",
        max_tokens: 9,
        messages: [{ role: "user", content: [image, { type: "text", text }] }],
      };
    },
  },
  responses: {
    api: openAiResponses,
    url: new URL("https://api.openai.com/v1/responses"),
    provider: "openai",
    asking: (text, extra = {}) => ({ model: "m", input: text, ...extra }),
    picturing: (data, text) => {
      const image = { type: "input_image", image_url: `data:image/png;base64,${data}` };
      return { model: "m", input: [{ role: "user", content: [image, { type: "input_text", text }] }] };
    },
  },
  converse: {
    api: bedrockConverse,
    url: new URL("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"),
    provider: "bedrock",
    asking: (text, extra = {}) => ({ messages: [{ role: "user", content: [{ text }] }], ...extra }),
    picturing: (data, text) => ({
      messages: [
        { role: "user", content: [{ image: { format: "png", source: { bytes: data } } }, { text }] },
      ],
    }),
  },
  gemini: {
    api: gemini,
    url: new URL("https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"),
    provider: "google",
    asking: (text, extra = {}) => ({ contents: [{ parts: [{ text }] }], ...extra }),
    picturing: (data, text) => ({
      contents: [{ parts: [{ inlineData: { mimeType: "image/png", data } }, { text }] }],
    }),
  },
};

function callOf({ api, url, provider }: Form, body: JsonObject): { call: ProviderCall; body: JsonObject } {
  return { call: api.readCall({ url, provider, body }), body };
}
const boundIn = (form: Form, body: JsonObject, price: ModelPrice = book.find("acme", "m")) =>
  boundOf({ ...callOf(form, body), price, serviceTier: undefined });
const inputIn = (form: Form, body: JsonObject) =>
  tokenBoundOf({ ...callOf(form, body), price: book.find("acme", "m") }).inputTokens;

/** Letters of all lengths, controls, ligatures that grow when they are normalised, marks that shrink, halves of characters. */
const character = fc.constantFrom(
  ...'aZ9 "\\/\n\t\u0000\u001f\u007f',
  ..."éßñ中日本語ｱﾊﾟ한",
  ..."ﷺﬃ㍿Ⅷ①ﬁ",
  "u\u0308\u0304",
  "ᄒ\u1161\u11ab",
  "😀",
  "👨‍👩‍👧",
  "\u{1f1e9}\u{1f1ea}",
  "\ud800",
  "\udfff",
  "\ufffd",
);
const text = fc.array(character, { maxLength: 200 }).map((characters) => characters.join(""));
const bytes = (value: string) => new TextEncoder().encode(value).length;

describe.each(Object.entries(FORMS))("The bound of any request of %s", (_name, form) => {
  it("is never below the bytes of its text, as it is or normalised: no tokenizer makes more of it", () => {
    fc.assert(
      fc.property(text, (said) => {
        const least = Math.max(bytes(said), bytes(said.normalize("NFC")), bytes(said.normalize("NFKC")));
        expect(inputIn(form, form.asking(said))).toBeGreaterThanOrEqual(least + 1_024);
      }),
    );
  });

  it("is the same however its text is escaped", () => {
    const unit = (code: number) => `\\u${code.toString(16).padStart(4, "0")}`;
    const escaped = (said: string) =>
      `"${said
        .split("")
        .map((each) => unit(each.charCodeAt(0)))
        .join("")}"`;
    fc.assert(
      fc.property(text, (said) => {
        const body = form.asking(said);
        const json = JSON.stringify(body).replace(JSON.stringify(said), () => escaped(said));
        expect(boundIn(form, JSON.parse(json))).toEqual(boundIn(form, body));
      }),
    );
  });

  it("never shrinks when something is added to it", () => {
    const extra = fc.oneof(
      fc.record({ metadata: text }),
      fc.record({ tools: fc.constant([{ name: "f", type: "custom", functionDeclarations: [] }]) }),
      fc.record({ extra: fc.jsonValue() }),
      fc.record({ system: text }),
    );
    fc.assert(
      fc.property(text, text, extra, (said, more, addition) => {
        const base = boundIn(form, form.asking(said));
        const longer = boundIn(form, form.asking(`${said} ${more}`));
        const wider = boundIn(form, form.asking(said, addition));
        for (const grown of [longer, wider]) {
          expect(grown.tokens).toBeGreaterThanOrEqual(base.tokens);
          expect(grown.nanoUsd).toBeGreaterThanOrEqual(base.nanoUsd);
        }
      }),
    );
  });

  it("does not count less for text that calls itself a picture", () => {
    fc.assert(
      fc.property(text, text, (said, data) => {
        const least = Math.max(bytes(said), bytes(said.normalize("NFKC")));
        expect(inputIn(form, form.picturing(data, said))).toBeGreaterThanOrEqual(least + 1_024);
      }),
    );
  });
});

describe("What any call costs", () => {
  const names = supportedModels();
  const chatFields = fc.record(
    {
      service_tier: fc.constantFrom("auto", "default", "flex", "priority", "ultrafast"),
      modalities: fc.constantFrom(["text"], ["text", "audio"], ["image"]),
      n: fc.integer({ min: 1, max: 4 }),
      max_completion_tokens: fc.integer({ min: 1, max: 50_000 }),
      cache_control: fc.constantFrom({ type: "ephemeral" }, { type: "ephemeral", ttl: "1h" }),
      extra: fc.nat(300_000).map((length) => "x".repeat(length)),
    },
    { requiredKeys: ["max_completion_tokens"] },
  );
  const claudeFields = fc.record(
    {
      max_tokens: fc.integer({ min: 1, max: 50_000 }),
      cache_control: fc.constantFrom({ type: "ephemeral" }, { type: "ephemeral", ttl: "1h" }),
      speed: fc.constant("fast"),
      inference_geo: fc.constantFrom("us", "global"),
    },
    { requiredKeys: ["max_tokens"] },
  );

  /** How an answer may divide what the bound allows, in parts of what is left. */
  const shares = fc.record({
    parts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
    served: fc.constantFrom(undefined, "batch" as const, "flex" as const, "priority" as const),
    isNight: fc.boolean(),
  });

  const within = (
    form: Form,
    { provider, model }: { provider: string; model: string },
    fields: JsonObject,
    answer: { parts: number[]; served: "batch" | "flex" | "priority" | undefined; isNight: boolean },
  ) => {
    const nowMs = Date.parse(answer.isNight ? "2026-11-25T20:00Z" : "2026-11-25T02:00Z");
    const price = createPriceBook({ now: () => nowMs }).find(provider, model);
    const later = createPriceBook({ now: () => nowMs + 9 * 3_600_000 }).find(provider, model);
    const { call, body } = callOf({ ...form, provider }, form.asking("hello", { ...fields, model }));
    const bounded = { call, body, price, serviceTier: undefined };
    const most = tokenBoundOf(bounded);
    const tokens = divided(call, price, most, answer.parts);
    const isPriorityAllowed = call.priorityTier !== "excluded";
    const tier = answer.served === "priority" && !isPriorityAllowed ? undefined : answer.served;
    const extras = { fast: call.fast, regional: call.regional };
    const cost = costNanoUsd(later, { ...tokens, ...(tier && { serviceTier: tier }) }, extras);
    expect(sumOf(tokens, INPUT_COUNTS)).toBeLessThanOrEqual(most.inputTokens);
    expect(cost).toBeLessThanOrEqual(boundOf(bounded).nanoUsd);
  };

  it("is never above its bound: as OpenAI's chat, whatever tier serves it and whichever kinds its tokens are", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), chatFields, shares, (name, fields, answer) =>
        within(FORMS.chat as Form, name, fields, answer),
      ),
      { numRuns: 500 },
    );
  });

  it("is never above its bound: as Claude's messages, cached, fast and in a region", () => {
    const claudes = names.filter(({ provider }) => provider === "anthropic");
    fc.assert(
      fc.property(fc.constantFrom(...claudes), claudeFields, shares, (name, fields, answer) =>
        within(FORMS.claude as Form, name, fields, answer),
      ),
      { numRuns: 500 },
    );
  });
});

/** Tokens of the kinds that a request can be answered with, all together within the bound. */
function divided(
  call: ProviderCall,
  price: ModelPrice,
  most: { inputTokens: number; outputTokens: number },
  parts: number[],
): Tokens {
  const writes = call.cacheWrite !== undefined || price.writesCacheUnasked;
  const isPossible: Partial<Record<keyof Tokens, boolean>> = {
    cacheWriteTokens: writes,
    cacheWrite1hTokens: call.cacheWrite === "1h",
    audioInputTokens: call.input.audio,
    audioCachedInputTokens: call.input.audio,
    audioOutputTokens: call.output.audio,
    imageOutputTokens: call.output.image,
  };
  const tokens: Tokens = {};
  let next = 0;
  const divide = (kinds: typeof INPUT_COUNTS | typeof OUTPUT_COUNTS, total: number) => {
    let left = total;
    for (const kind of kinds) {
      if (isPossible[kind] === false) continue;
      const count = Math.floor(left * (parts[next % parts.length] ?? 0));
      next += 1;
      tokens[kind] = count;
      left -= count;
    }
  };
  divide(INPUT_COUNTS, most.inputTokens);
  divide(OUTPUT_COUNTS, most.outputTokens);
  tokens.reasoningTokens = Math.floor((tokens.outputTokens ?? 0) * (parts[0] ?? 0));
  return tokens;
}

import { describe, expect, it } from "vitest";
import { UnknownModelError } from "../../src/errors.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";

const book = createPriceBook();
const found = (provider: string, model: string) => book.find(provider, model).model;
const inputRate = (provider: string, model: string) =>
  book.find(provider, model).serviceTiers.standard.steps[0]?.rates.input;

describe("a model's name is read by rules alone", () => {
  it.each([
    ["letter case and blanks", "OpenAI", "  GPT-4o ", "gpt-4o"],
    ["an alias", "openai", "gpt-4o-2024-11-20", "gpt-4o"],
    ["an alias in another letter case", "minimax", "minimax-m2.5", "MiniMax-M2"],
    ["a date nobody listed, YYYY-MM-DD", "openai", "gpt-4o-2027-01-31", "gpt-4o"],
    ["a date, YYYYMMDD", "anthropic", "claude-sonnet-4-6-20260213", "claude-sonnet-4-6"],
    ["a date, MMDD", "openai", "gpt-3.5-turbo-0301", "gpt-3.5-turbo"],
    ["-latest", "openai", "gpt-4o-latest", "gpt-4o"],
    ["-latest that is a name of its own", "anthropic", "claude-3-opus-latest", "claude-3-opus-latest"],
    ["Claude's dots", "anthropic", "claude-sonnet-5.5", "claude-sonnet-5-5"],
    ["Claude's dots before a date", "anthropic", "claude-fable-5.1-20261001", "claude-fable-5-1"],
    ["models/", "google", "models/gemini-2.5-pro", "gemini-2.5-pro"],
    ["publishers/…/models/", "google", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"],
    [
      "a whole resource path",
      "vertex",
      "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929",
      "claude-sonnet-4-5",
    ],
    ["Vertex's @default", "google", "claude-opus-4-8@default", "claude-opus-4-8"],
    ["provider/", "openai", "openai/gpt-4.1", "gpt-4.1"],
    ["provider:", "openai", "openai:gpt-4.1-mini", "gpt-4.1-mini"],
    ["another spelling of a provider before /", "xai", "x-ai/grok-4.7", "grok-4.7"],
    ["what looks like provider/ and is a model's name", "groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"],
    [
      "an unknown vendor's prefix that is a name",
      "groq",
      "meta-llama/llama-guard-4-12b",
      "meta-llama/llama-guard-4-12b",
    ],
    ["a numbered version", "google", "models/gemini-2.0-flash-001", "gemini-2.0-flash"],
    ["a number that is a name", "google", "gemini-embedding-001", "gemini-embedding-001"],
    ["Bedrock's own rows", "bedrock", "meta.llama3-1-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0"],
    ["Bedrock's own rows behind a region", "bedrock", "us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"],
    ["Claude on Vertex", "google", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
    ["Claude on Vertex, at Anthropic's price", "google", "claude-haiku-4-5@20251001", "claude-haiku-4-5"],
    ["Claude on Bedrock", "bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"],
    ["Claude on Bedrock, short", "amazon-bedrock", "global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"],
    [
      "an ARN of a profile",
      "bedrock",
      "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
      "claude-haiku-4-5",
    ],
    [
      "an ARN of a model",
      "bedrock",
      "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0",
      "claude-3-5-sonnet",
    ],
  ])("%s", (_what, provider, model, expected) => {
    expect(found(provider, model)).toBe(expected);
  });

  it("keeps a dated snapshot with another price apart", () => {
    expect(inputRate("openai", "gpt-4o-2024-05-13")).toBe(5_000_000);
    expect(inputRate("openai", "gpt-4o-2024-08-06")).toBe(2_500_000);
    expect(inputRate("openai", "gpt-3.5-turbo-1106")).toBe(1_000_000);
  });
});

describe("a fine-tuned model has the price of fine-tuned ones, never its base's", () => {
  it.each([
    ["ft:gpt-4o-mini-2024-07-18:acme::BxYz12", "ft:gpt-4o-mini"],
    ["ft:gpt-4o-mini:acme:suffix:id", "ft:gpt-4o-mini"],
    ["openai/ft:gpt-4.1-2025-04-14:acme::id", "ft:gpt-4.1"],
    ["ft:gpt-3.5-turbo-0125:acme::id", "ft:gpt-3.5-turbo"],
  ])("%s", (model, expected) => expect(found("openai", model)).toBe(expected));

  it("and is unknown where no such price is", () => {
    expect(() => found("openai", "ft:gpt-4-0613:acme::id")).toThrow(UnknownModelError);
    expect(() => found("openai", "ft:gpt-5-2025-08-07:acme::id")).toThrow(UnknownModelError);
  });
});

describe("Azure names its deployments at will", () => {
  it("so a name prices a call only where it names a dated model", () => {
    expect(found("azure", "gpt-4o-2024-08-06")).toBe("gpt-4o");
    expect(inputRate("azure", "gpt-4o-2024-05-13")).toBe(5_000_000);
    expect(inputRate("azure", "gpt-35-turbo-1106")).toBe(1_000_000);
    expect(() => found("azure", "gpt-4o")).toThrow(/Deployments are named at will/);
    expect(() => found("azure", "my-deployment")).toThrow(UnknownModelError);
  });

  it("and the user's models say what a deployment runs", () => {
    const mapped = createPriceBook({ models: { "GPT-4o": "gpt-4o", prod: "openai/gpt-4o-2024-05-13" } });
    expect(mapped.find("azure", "gpt-4o").model).toBe("gpt-4o");
    expect(mapped.find("azure", "prod").model).toBe("gpt-4o-2024-05-13");
  });
});

describe("Claude from 4.5 on costs a tenth more where Bedrock pins it to a region", () => {
  it.each([
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", 1100],
    ["anthropic.claude-opus-4-8", 1100],
    ["claude-opus-4-8", 1100],
    ["global.anthropic.claude-sonnet-4-5-20250929-v1:0", 1000],
    ["us.anthropic.claude-3-5-haiku-20241022-v1:0", 1000],
    ["us.anthropic.claude-opus-4-1-20250805-v1:0", 1000],
    ["us.amazon.nova-pro-v1:0", 1000],
  ])("%s: %i per mille", (model, perMille) => {
    expect(book.find("bedrock", model).multiplierPerMille).toBe(perMille);
  });
});

describe("what has no price is an error that says what to do", () => {
  it.each([
    ["openai", "gpt-9"],
    ["openai", "__proto__"],
    ["__proto__", "gpt-4o"],
    ["constructor", "toString"],
    ["openai", "claude-haiku-4-5"],
    ["groq", "moonshotai/kimi-k2-thinking"],
    ["openai", "gpt-4o-2024-13-45"],
    ["google", "gemini-2.5-pro-preview-05-06"],
    ["bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"],
    ["openai", `gpt-4o-${"x".repeat(200)}`],
    ["openai", `openai/${"x/".repeat(100_000)}`],
  ])("%s %.40s", (provider, model) => {
    expect(() => book.find(provider, model)).toThrow(UnknownModelError);
  });

  it("names the ways to price it, the table's date and the nearest names", () => {
    const find = () => book.find("openai", "gpt-4o-max");
    expect(find).toThrow(/customPricing.*models.*unknownModel/);
    expect(find).toThrow(/prices of \d{4}-\d\d-\d\d/);
    expect(find).toThrow(/Nearest names with a price: gpt-4o-m/);
    expect(() => book.find("acme", "x")).toThrow(/Providers with prices: openai, anthropic,/);
  });

  it("and cuts what is too long to show", () => {
    expect(() => book.find("openai", "x".repeat(1_000_000))).toThrow(/^.{1,400}at most 200 characters/);
  });
});

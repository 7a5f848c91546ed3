/** The most tokens that what is no text may be billed as: each figure with its source, and with a little room. */
import type { ModelPrice } from "../pricing/model-price.ts";

/**
 * Claude's models scale an image down until it costs less than 4,800 tokens.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/vision
 */
const CLAUDE_IMAGE_TOKENS = 5_120;

/**
 * Gemini cuts an image into tiles of 258 tokens, scaled to 3,072 pixels at most: 25 of the smallest tiles with the whole.
 * On Gemini 3 it costs up to 2,240.
 *
 * @see https://ai.google.dev/gemini-api/docs/tokens https://ai.google.dev/gemini-api/docs/media-resolution
 */
export const GEMINI_IMAGE_TOKENS = 8_192;

/**
 * Of all vendors' models but the dearest, those that see the most of an image cut it into 10,000 patches, for up to 1.62
 * tokens each.
 *
 * @see https://platform.openai.com/docs/guides/images-vision
 */
const IMAGE_TOKENS = 16_384;
/** On gpt-4o-mini 2,833 + 8 × 5,667 tokens, by the tile; since gpt-5.6 up to 30,000 patches, for 1.2 tokens each. */
const DEAREST_IMAGE_TOKENS = 49_152;
const DEAREST_MODELS = /gpt-(?:4o-mini|5\.[6-9]|[6-9])/;
/** OpenAI's models see 2,833 tokens of an image at `detail: "low"`, at most. Others need not heed it. */
const LOW_DETAIL_IMAGE_TOKENS = 3_072;

/** Whose price a call has: it says which model answers, whatever the call names it. */
export type PricedAs = Pick<ModelPrice, "provider" | "model" | "source">;

/**
 * For an image that some model sees: infinite where only the context window bounds it, as at Perplexity, who bill by the
 * pixel (docs.perplexity.ai/docs/sonar/media). What stands behind a price of the user's own is not known: that may be the
 * dearest.
 */
export function imageTokens(price: PricedAs | undefined, detail?: unknown): number {
  if (price?.source !== "table") return DEAREST_IMAGE_TOKENS;
  if (price.provider === "perplexity") return Number.POSITIVE_INFINITY;
  if (detail === "low" && /^(?:openai|azure)$/.test(price.provider)) return LOW_DETAIL_IMAGE_TOKENS;
  return DEAREST_MODELS.test(price.model) ? DEAREST_IMAGE_TOKENS : IMAGE_TOKENS;
}

/** For an image in Anthropic's messages, which gateways also take for models of others. */
export function messageImageTokens(model: string, price: PricedAs | undefined): number {
  const name = price?.source === "table" ? price.model : model;
  return /claude/i.test(name) ? CLAUDE_IMAGE_TOKENS : imageTokens(price);
}

/** What has as many bytes a second whatever is heard. Other kinds may hold hours of silence in a few. */
const STEADY_AUDIO =
  /^audio\/(?:mp3|mpeg|mpga|x-mp3|wav|wave|x-wav|vnd\.wave|aiff|x-aiff|l16|pcm(?:16)?)(?:;|$)/;
/**
 * Gemini counts 32 tokens a second, OpenAI 10, and the poorest MP3 spends 1,333 Base64 characters on one.
 *
 * @see https://ai.google.dev/gemini-api/docs/audio
 */
const AUDIO_CHARACTERS_PER_TOKEN = 32;

/** For so many Base64 characters of sound; undefined for kinds whose length they do not tell. */
export function audioTokens(mimeType: string, base64Characters: number): number | undefined {
  if (!STEADY_AUDIO.test(mimeType)) return undefined;
  return Math.ceil(base64Characters / AUDIO_CHARACTERS_PER_TOKEN);
}

/**
 * Tools that the provider defines and the caller runs (shell, text editor, computer) bring a prompt of their own: Claude's
 * up to 735 tokens each.
 *
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
 */
export const DEFINED_TOOL_TOKENS = 1_024;
/** Whole sets of them, such as a browser. */
export const DEFINED_TOOLSET_TOKENS = 16_384;

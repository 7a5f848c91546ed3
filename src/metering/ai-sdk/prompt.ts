/** Reads a prompt of the AI SDK: what of it is text that can be counted, and what holds more than it shows. */
import { audioTokens, imageTokens, type PricedAs } from "../../providers/allowances.ts";
import { isObject, type JsonObject, nonEmptyString, objectsOf } from "../../providers/json.ts";
import type { InputShape } from "../../providers/provider.ts";

/** A prompt without its media, and what stands in their place. */
export interface CountablePrompt {
  readonly messages: JsonObject[];
  readonly input: InputShape;
  /** Every `providerOptions` in it. */
  readonly options: JsonObject[];
}

export function countablePrompt(prompt: readonly object[], price: PricedAs): CountablePrompt {
  const sum = { allowanceTokens: 0, fillsContext: false, audio: false };
  const options: JsonObject[] = [];

  const shownPart = (part: JsonObject): JsonObject => {
    noteOptions(part);
    const kind = kindOf(part);
    if (kind === "unseen") sum.fillsContext = true;
    if (kind === "image") {
      sum.allowanceTokens += imageTokens(price);
    }
    if (kind === "audio" || kind === "text file") {
      const characters = inlineCharacters(part.data) ?? 0;
      const tokens = kind === "audio" ? audioTokens(String(part.mediaType), characters) : characters;
      if (tokens === undefined) sum.fillsContext = true;
      else sum.allowanceTokens += tokens;
      sum.audio ||= kind === "audio";
    }
    return kind === "shown" ? withShownOutput(part) : { ...part, data: undefined };
  };
  const noteOptions = ({ providerOptions }: JsonObject) => {
    if (isObject(providerOptions)) options.push(providerOptions);
  };
  const withShownOutput = (part: JsonObject): JsonObject => {
    const { output } = part;
    if (!isObject(output)) return part;
    noteOptions(output);
    if (output.type !== "content") return part;
    return { ...part, output: { ...output, value: objectsOf(output.value).map(shownPart) } };
  };

  const messages = prompt.filter(isObject).map((message) => {
    noteOptions(message);
    if (!Array.isArray(message.content)) return message;
    return { ...message, content: objectsOf(message.content).map(shownPart) };
  });
  return { messages, input: { ...sum, mediaCharacters: 0 }, options };
}

type PartKind = "shown" | "image" | "audio" | "text file" | "unseen";

function kindOf(part: JsonObject): PartKind {
  switch (part.type) {
    case "text":
    case "tool-approval-response":
      return "shown";
    case "tool-call":
    case "tool-result":
      // What a provider's tool found may be told to the model again, and stands nowhere here.
      return part.providerExecuted === true ? "unseen" : "shown";
    case "reasoning":
      return isReasoningInFull(part) ? "shown" : "unseen";
    case "file":
    case "reasoning-file":
    case "file-data":
      return kindOfFile(part);
    case "image-data":
    case "image-url":
    case "image-file-id":
      return "image";
    default:
      return "unseen";
  }
}

/** OpenAI's models are reminded of their reasoning by its id, of which the prompt shows a summary at most. */
function isReasoningInFull({ providerOptions }: JsonObject): boolean {
  if (!isObject(providerOptions)) return true;
  return Object.values(providerOptions)
    .filter(isObject)
    .every((own) => own.itemId === undefined || nonEmptyString(own.reasoningEncryptedContent) !== undefined);
}

function kindOfFile(part: JsonObject): PartKind {
  const mediaType = typeof part.mediaType === "string" ? part.mediaType : "";
  const isInlineText = isObject(part.data) && part.data.type === "text";
  if (isInlineText) return "shown";
  if (mediaType.startsWith("image")) return "image";
  if (inlineCharacters(part.data) === undefined) return "unseen";
  if (mediaType.startsWith("audio")) return "audio";
  return mediaType.startsWith("text/") ? "text file" : "unseen";
}

/** Base64 characters of a file that is part of the prompt; undefined for addresses and ids. */
function inlineCharacters(data: unknown): number | undefined {
  const content = isObject(data) && data.type === "data" ? data.data : data;
  if (content instanceof Uint8Array) return Math.ceil(content.length / 3) * 4;
  return typeof content === "string" ? content.length : undefined;
}

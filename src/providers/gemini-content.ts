/** What Gemini is sent besides text, and what it may be billed as. */
import { audioTokens, GEMINI_IMAGE_TOKENS } from "./allowances.ts";
import { base64Length } from "./bounding-fields.ts";
import { camelCase, fieldOf, listOf, objectOf } from "./google-fields.ts";
import type { JsonObject } from "./json.ts";
import type { InputShape } from "./provider.ts";

/** What the parts of these contents may add. */
export function shapeOf(contents: readonly JsonObject[]): InputShape {
  const parts = contents.flatMap((content) => listOf(content, "parts")).flatMap(withParts);
  const shapes = parts.map(shapeOfPart);
  return {
    mediaCharacters: sum(shapes.map((shape) => shape.mediaCharacters)),
    allowanceTokens: sum(shapes.map((shape) => shape.allowanceTokens)),
    fillsContext: shapes.some((shape) => shape.fillsContext),
    audio: shapes.some((shape) => shape.audio),
  };
}

/** A function's answer may have parts of its own. */
function withParts(part: JsonObject): JsonObject[] {
  const answer = objectOf(part, "functionResponse");
  return answer === undefined ? [part] : [part, ...listOf(answer, "parts")];
}

const TEXT: InputShape = { mediaCharacters: 0, allowanceTokens: 0, fillsContext: false, audio: false };

/** Fields of a part that hold no more than they show, but for data and files. */
const KNOWN_FIELDS = new Set([
  "text",
  "thought",
  "thoughtSignature",
  "functionCall",
  "functionResponse",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
  "inlineData",
  "fileData",
  "videoMetadata",
  "mediaResolution",
  "partMetadata",
]);

function shapeOfPart(part: JsonObject): InputShape {
  if (!Object.keys(part).every((field) => KNOWN_FIELDS.has(camelCase(field)))) return unseen("");
  const file = objectOf(part, "fileData");
  if (file !== undefined) return unseen(mimeTypeOf(file));
  const inline = objectOf(part, "inlineData");
  return inline === undefined ? TEXT : shapeOfData(inline);
}

function shapeOfData(inline: JsonObject): InputShape {
  const mimeType = mimeTypeOf(inline);
  const characters = base64Length(inline.data);
  // Base64 is longer than the text that it stands for.
  if (mimeType.startsWith("text/") || mimeType.startsWith("application/json")) return TEXT;
  if (mimeType.startsWith("image/")) {
    return { ...TEXT, mediaCharacters: characters, allowanceTokens: GEMINI_IMAGE_TOKENS };
  }
  const allowanceTokens = audioTokens(mimeType, characters);
  if (allowanceTokens !== undefined) {
    return { mediaCharacters: characters, allowanceTokens, fillsContext: false, audio: true };
  }
  // A page of a PDF is 258 to 1,120 tokens and a second of video up to 300, in as few bytes as one likes.
  return unseen(mimeType);
}

/** What only the context window bounds. A video has its sound, which costs what audio costs. */
function unseen(mimeType: string): InputShape {
  return { ...TEXT, fillsContext: true, audio: !/^(?:image|text)\/|^application\/pdf/.test(mimeType) };
}

function mimeTypeOf(data: JsonObject): string {
  const mimeType = fieldOf(data, "mimeType");
  return typeof mimeType === "string" ? mimeType.toLowerCase() : "";
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** What a request to OpenAI's responses shows of its input, and what it only refers to. */
import { DEFINED_TOOL_TOKENS } from "./allowances.ts";
import { boundingList } from "./bounding-fields.ts";
import { isGiven, isNested, isObject, type JsonObject, objectsOf } from "./json.ts";
import { audioMedia, imageMedia, type Media } from "./openai-request.ts";
import type { ApiRequest, InputShape } from "./provider.ts";

/** All tools that a body declares: its own, those that its items bring in later, and those inside namespaces. */
export function toolsIn(body: JsonObject): unknown[] {
  const items = objectsOf(body.input).flatMap((item) => boundingList(item, "tools"));
  return [...boundingList(body, "tools"), ...items].flatMap(withNested);
}

function withNested(tool: unknown): unknown[] {
  if (!isObject(tool) || tool.type !== "namespace") return [tool];
  return boundingList(tool, "tools").flatMap(withNested);
}

export function inputOf(request: ApiRequest): InputShape {
  const { body } = request;
  const items = objectsOf(body.input);
  const parts = items.flatMap(({ content, output }) => [content, output].flatMap(partsOf));
  const media = parts.map((part) => mediaOf(part, request)).filter((found) => found !== undefined);
  const defined = toolsIn(body).filter((tool) => isObject(tool) && DEFINED_TOOLS.has(tool.type));
  const sum = (count: (media: Media) => number) => media.reduce((total, each) => total + count(each), 0);
  return {
    mediaCharacters: sum(({ mediaCharacters }) => mediaCharacters),
    allowanceTokens: sum(({ allowanceTokens }) => allowanceTokens) + defined.length * DEFINED_TOOL_TOKENS,
    fillsContext:
      ["previous_response_id", "conversation", "prompt"].some((field) => isGiven(body[field])) ||
      isNested(body.input) ||
      (isGiven(body.instructions) && typeof body.instructions !== "string") ||
      !items.every(isShownInFull) ||
      items.some(({ content, output }) => isNested([content, output].flat())) ||
      !parts.every((part) => TEXT_PARTS.has(part.type) || mediaOf(part, request) !== undefined),
    audio: parts.some(({ type }) => type === "input_audio"),
  };
}

const DEFINED_TOOLS = new Set<unknown>([
  "apply_patch",
  "computer",
  "computer_use_preview",
  "local_shell",
  "shell",
  "tool_search",
]);

/** Items whose text, and whose parts, are all there is. Others stand for more: results of searches, files, pictures. */
const SHOWN_ITEMS = new Set<unknown>([
  "message",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "computer_call",
  "computer_call_output",
  "local_shell_call",
  "local_shell_call_output",
  "shell_call",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "mcp_list_tools",
  "mcp_call",
  "mcp_approval_request",
  "mcp_approval_response",
  "tool_search_call",
  "tool_search_output",
  "additional_tools",
  "configuration_update",
]);

function isShownInFull(item: JsonObject): boolean {
  // Stored reasoning is named by its id alone; encrypted, it is as long as what it hides.
  if (item.type === "reasoning") return isGiven(item.encrypted_content) || objectsOf(item.content).length > 0;
  // Without its content it is the id of a stored item.
  if (!isGiven(item.type) || item.type === "message") return isGiven(item.content);
  return SHOWN_ITEMS.has(item.type);
}

/** The parts of messages and of what tools gave back. */
function partsOf(content: unknown): JsonObject[] {
  return isObject(content) ? [content] : objectsOf(content);
}

const TEXT_PARTS = new Set<unknown>([
  "input_text",
  "output_text",
  "text",
  "refusal",
  "reasoning_text",
  "summary_text",
  // A shell's output has parts without a type.
  undefined,
]);

function mediaOf(part: JsonObject, request: ApiRequest): Media | undefined {
  switch (part.type) {
    case "input_image":
    case "computer_screenshot":
      return imageMedia(part.image_url, part.detail, request);
    case "input_audio":
      return audioMedia(part.input_audio ?? part);
    default:
      return undefined;
  }
}

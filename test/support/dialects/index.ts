/** The APIs that the upstream speaks. */
import { anthropicMessages } from "./anthropic-messages.ts";
import type { Dialect } from "./dialect.ts";
import { gemini } from "./gemini.ts";
import { openAiChat } from "./openai-chat.ts";
import { openAiEmbeddings } from "./openai-embeddings.ts";
import { openAiResponses } from "./openai-responses.ts";

const DIALECTS: Dialect[] = [openAiChat, anthropicMessages, openAiResponses, openAiEmbeddings, gemini];

export function dialectAt(path: string): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.serves(path));
}

/** The table of clients: every one that a metered fetch is promised to serve. */
import type { Sdk } from "../sdk.ts";
import { AI_SDK_CLIENTS } from "./ai-sdk.ts";
import { ANTHROPIC_CLIENTS } from "./anthropic.ts";
import { GOOGLE_GENAI_CLIENT } from "./google-genai.ts";
import { LANGCHAIN_CLIENTS } from "./langchain.ts";
import { MISTRAL_CLIENT } from "./mistral.ts";
import { OPENAI_CLIENTS } from "./openai.ts";
import { OPENAI_AGENTS_CLIENTS } from "./openai-agents.ts";
import { OPENAI_RESPONSES_CLIENTS } from "./openai-responses.ts";

export const SDKS: Sdk[] = [
  ...OPENAI_CLIENTS,
  ...OPENAI_RESPONSES_CLIENTS,
  ...ANTHROPIC_CLIENTS,
  GOOGLE_GENAI_CLIENT,
  MISTRAL_CLIENT,
  ...AI_SDK_CLIENTS,
  ...OPENAI_AGENTS_CLIENTS,
  ...LANGCHAIN_CLIENTS,
];

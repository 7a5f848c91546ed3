/** What the pages' code takes as given: the types of all the rest are checked. */
declare const UsageMeter: typeof import("agentlimit/node").UsageMeter;
declare const OpenAI: typeof import("openai").default;
declare const Anthropic: typeof import("@anthropic-ai/sdk").default;
declare const wrapLanguageModel: typeof import("ai").wrapLanguageModel;
declare const generateText: typeof import("ai").generateText;
declare const openai: typeof import("@ai-sdk/openai").openai;

declare const meter: import("agentlimit/node").UsageMeter;
declare const app: import("agentlimit/node").UsageMeter;
declare const user: import("agentlimit/node").UsageMeter;

declare const id: string;
declare const runId: string;
declare const job: { holdId: string };
declare const batchResult: unknown;
declare function callTheProvider(): Promise<unknown>;

declare module "cloudflare:workers" {
  export function waitUntil(work: Promise<unknown>): void;
}

/** A model server on this machine: OpenAI's chat completions, plain and streamed, and a bill for each API key. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface Upstream {
  /** For `new OpenAI({ baseURL })`. */
  baseUrl: string;
  /** What the calls of this API key cost, by the server's own counting. */
  bill(apiKey: string): Bill;
  /** Lets calls arrive and answers none of them until `answer` is called, as a slow model would. */
  holdBack(): { answer(): void };
  close(): Promise<void>;
}

export interface Bill {
  /** Calls that arrived. */
  calls: number;
  /** Integer nano-USD of the calls that were answered. */
  nanoUsd: number;
}

/** USD per million tokens, which is micro-USD per token: the server knows nothing of the meter's prices. */
const PRICES: Record<string, { input: number; output: number }> = {
  "gpt-4.1": { input: 2, output: 8 },
  "gpt-5.5": { input: 5, output: 30 },
  "gpt-5.5-pro": { input: 30, output: 180 },
};

const CHUNKS_PER_STREAM = 8;
const CALL_MS = 320;
const WORDS = ["a", "ledger", "that", "nothing", "gets", "past", "counts", "every", "word", "once"];

export async function startUpstream(): Promise<Upstream> {
  const bills = new Map<string, Bill>();
  let gate: Promise<void> = Promise.resolve();
  const random = seededRandom();

  const server = createServer(async (incoming, response) => {
    const bill = billOf(bills, incoming);
    bill.calls += 1;
    const request = readRequest(await bodyOf(incoming));
    await gate;
    const usage = {
      inputTokens: Math.ceil(request.promptCharacters / 4),
      outputTokens: Math.ceil(request.maxTokens * (0.8 + 0.2 * random())),
    };
    if (request.stream) await stream(response, request, usage);
    else await answer(response, request, usage);
    bill.nanoUsd += costNanoUsd(request.model, usage);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The model server has no port.");

  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    bill: (apiKey) => bills.get(apiKey) ?? { calls: 0, nanoUsd: 0 },
    holdBack() {
      let answer = () => {};
      gate = new Promise((resolve) => {
        answer = resolve;
      });
      return { answer: () => answer() };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface ChatRequest {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  maxTokens: number;
  promptCharacters: number;
}

interface TokenCounts {
  inputTokens: number;
  outputTokens: number;
}

function billOf(bills: Map<string, Bill>, incoming: IncomingMessage): Bill {
  const apiKey = (incoming.headers.authorization ?? "").replace(/^Bearer /, "");
  const bill = bills.get(apiKey) ?? { calls: 0, nanoUsd: 0 };
  bills.set(apiKey, bill);
  return bill;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function readRequest(body: string): ChatRequest {
  const { model, stream, stream_options, max_completion_tokens, messages } = JSON.parse(body);
  return {
    model: String(model),
    stream: stream === true,
    includeUsage: stream_options?.include_usage === true,
    maxTokens: Number(max_completion_tokens),
    promptCharacters: JSON.stringify(messages).length,
  };
}

function costNanoUsd(model: string, usage: TokenCounts): number {
  const price = PRICES[model];
  if (price === undefined) throw new Error(`The model server has no ${model}.`);
  return (usage.inputTokens * price.input + usage.outputTokens * price.output) * 1000;
}

async function answer(response: ServerResponse, request: ChatRequest, usage: TokenCounts): Promise<void> {
  await delay(CALL_MS);
  const message = { role: "assistant", content: text(usage.outputTokens) };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  response.writeHead(200, { "content-type": "application/json" });
  response.end(
    JSON.stringify({ ...common(request), object: "chat.completion", choices, usage: wire(usage) }),
  );
}

async function stream(response: ServerResponse, request: ChatRequest, usage: TokenCounts): Promise<void> {
  const send = (choices: object[], rest: object = {}) => {
    const chunk = { ...common(request), object: "chat.completion.chunk", choices, ...rest };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let sent = 0; sent < usage.outputTokens; ) {
    const next = Math.min(usage.outputTokens, sent + Math.ceil(usage.outputTokens / CHUNKS_PER_STREAM));
    await delay(CALL_MS / CHUNKS_PER_STREAM);
    send([{ index: 0, delta: { content: text(next - sent) }, finish_reason: null }]);
    sent = next;
  }
  send([{ index: 0, delta: {}, finish_reason: "stop" }]);
  if (request.includeUsage) send([], { usage: wire(usage) });
  response.end("data: [DONE]\n\n");
}

function common({ model }: ChatRequest) {
  return { id: "chatcmpl-demo", created: 1_790_000_000, model, service_tier: "default" };
}

function wire({ inputTokens, outputTokens }: TokenCounts) {
  const total_tokens = inputTokens + outputTokens;
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens };
}

/** A word is a token here. */
function text(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => WORDS[index % WORDS.length]).join(" ");
}

/** 0 to 1, the same numbers in every run. */
function seededRandom(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

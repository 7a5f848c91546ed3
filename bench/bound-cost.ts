/** What it costs to bound a large request, in this process: read, count, price. */
import { styleText } from "node:util";
import { createPriceBook } from "../src/pricing/price-book.ts";
import { parseObject } from "../src/providers/json.ts";
import { openAiChat } from "../src/providers/openai-chat.ts";
import { boundOf } from "../test/support/bound-of.ts";
import { percentile } from "./statistics.ts";
import { tableLines } from "./table.ts";

export interface BoundCost {
  what: string;
  bytes: number;
  /** Milliseconds of the median request: to parse its body, which any reader of it has to; and to bound it. */
  parseMs: number;
  boundMs: number;
}

const BODY_BYTES = 480_000;
const TEXTS: [what: string, sentence: string][] = [
  ["English", 'The quick brown fox jumps over the lazy dog, and writes "nothing" of it.\n'],
  ["Chinese, which is normalised to be counted", "敏捷的棕色狐狸跳过懒狗，却对此一字不提。"],
];
const RUNS = 100;
const WARMING_RUNS = 10;

export function measureBounds(): BoundCost[] {
  return TEXTS.map(([what, sentence]) => measureBound(what, bodyOf(sentence)));
}

export function boundLines(costs: BoundCost[]): string[] {
  const cells = costs.map(({ what, bytes, parseMs, boundMs }) => [
    what,
    `${Math.round(bytes / 1000)} kB`,
    `${parseMs.toFixed(2)} ms`,
    `${boundMs.toFixed(2)} ms`,
  ]);
  const titles = ["", "body", "to parse it", "to bound it"];
  return [styleText("bold", "What the bound of a large request costs"), ...tableLines(titles, cells), ""];
}

function measureBound(what: string, text: string): BoundCost {
  const url = new URL("https://api.openai.com/v1/chat/completions");
  const price = createPriceBook().find("openai", "gpt-5-mini");
  const parses: number[] = [];
  const bounds: number[] = [];
  for (let run = 0; run < WARMING_RUNS + RUNS; run += 1) {
    const startMs = performance.now();
    const body = parseObject(text);
    const parsedMs = performance.now();
    if (body === undefined) throw new TypeError("A body is a JSON object.");
    const call = openAiChat.readCall({ url, provider: "openai", body });
    boundOf({ call, body, price, serviceTier: undefined });
    const endMs = performance.now();
    if (run < WARMING_RUNS) continue;
    parses.push(parsedMs - startMs);
    bounds.push(endMs - parsedMs);
  }
  const bytes = Buffer.byteLength(text);
  return { what, bytes, parseMs: percentile(parses, 0.5), boundMs: percentile(bounds, 0.5) };
}

function bodyOf(sentence: string): string {
  const bytesEach = Buffer.byteLength(JSON.stringify(sentence)) - 2;
  const content = sentence.repeat(Math.floor(BODY_BYTES / bytesEach));
  const messages = [{ role: "user", content }];
  return JSON.stringify({ model: "gpt-5-mini", max_completion_tokens: 500, messages });
}

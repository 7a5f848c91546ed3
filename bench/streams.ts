/** What metering adds to a stream in workerd: processor time over a raw pipe, and the wait for the first byte. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { styleText } from "node:util";
import { startWorkerd } from "../test/support/workerd.ts";
import { type Spread, spread } from "./statistics.ts";
import { tableLines } from "./table.ts";

/** Streams at once: processor time is counted in hundredths of a second. */
const STREAMS = 4;

export type StreamWay = keyof typeof WAYS;

export interface StreamFigures {
  /** By way, one figure a round: processor time over that of the raw pipe in the same round. */
  cpuRatios: Record<StreamWay, number[]>;
  /** Milliseconds until the first byte, of every stream. */
  firstByteMs: Record<StreamWay, number[]>;
  eventsPerStream: number;
}

/** The first is what the others are compared with. */
const WAYS = {
  "raw pipe": { path: "/raw/v1/chat/completions", options: {} },
  "metered, passed as it comes": {
    path: "/v1/chat/completions",
    options: { stream_options: { include_usage: true } },
  },
  "metered, usage asked for and hidden": { path: "/v1/chat/completions", options: {} },
} as const;

/** One event a millisecond goes through a Worker, by each way in turn. */
export async function measureStreams(pace: {
  rounds: number;
  eventsPerStream: number;
}): Promise<StreamFigures> {
  const upstream = await startSteadyUpstream();
  const worker = await startWorkerd({
    entry: "test/support/streaming-worker.ts",
    env: { UPSTREAM_URL: upstream.url },
  });
  const figures: StreamFigures = {
    cpuRatios: emptyFigures(),
    firstByteMs: emptyFigures(),
    eventsPerStream: pace.eventsPerStream,
  };
  const run = (way: StreamWay, events: number) => runStreams(worker, WAYS[way], events);
  try {
    for (const way of wayNames()) await run(way, 100);
    for (let round = 0; round < pace.rounds; round += 1) {
      const raw = await run("raw pipe", pace.eventsPerStream);
      for (const way of wayNames()) {
        const { cpuMs, firstByteMs } = way === "raw pipe" ? raw : await run(way, pace.eventsPerStream);
        figures.cpuRatios[way].push(cpuMs / raw.cpuMs);
        figures.firstByteMs[way].push(...firstByteMs);
      }
    }
  } finally {
    await worker.stop();
    upstream.close();
  }
  return figures;
}

export function streamLines({ cpuRatios, firstByteMs, eventsPerStream }: StreamFigures): string[] {
  const rows = wayNames().map((way) => [
    way,
    styleText("bold", `${spread(cpuRatios[way]).median.toFixed(2)}x`),
    styleText("dim", rangeText(spread(cpuRatios[way]))),
    spread(firstByteMs[way]).median.toFixed(1),
  ]);
  return [
    styleText("bold", `A stream through workerd, one event a millisecond, ${eventsPerStream} events`),
    ...tableLines(["", "CPU", "lowest–highest", "first byte ms"], rows),
    "",
  ];
}

const rangeText = ({ lowest, highest }: Spread): string => `${lowest.toFixed(2)}–${highest.toFixed(2)}`;

function wayNames(): StreamWay[] {
  return ["raw pipe", "metered, passed as it comes", "metered, usage asked for and hidden"];
}

function emptyFigures(): Record<StreamWay, number[]> {
  return { "raw pipe": [], "metered, passed as it comes": [], "metered, usage asked for and hidden": [] };
}

async function runStreams(
  worker: { url: string; pid: number | undefined },
  { path, options }: (typeof WAYS)[StreamWay],
  events: number,
): Promise<{ cpuMs: number; firstByteMs: number[] }> {
  const body = JSON.stringify({
    model: "gpt-4o-mini",
    messages: [],
    max_tokens: events,
    stream: true,
    ...options,
  });
  const before = cpuMs(worker.pid);
  const firstByteMs = await Promise.all(
    Array.from({ length: STREAMS }, () => readToEnd(`${worker.url}${path}`, body)),
  );
  return { cpuMs: cpuMs(worker.pid) - before, firstByteMs };
}

/** @returns milliseconds until the first byte. */
async function readToEnd(url: string, body: string): Promise<number> {
  const startMs = performance.now();
  let firstByteMs: number | undefined;
  const response = await fetch(url, { method: "POST", body });
  if (!response.ok) throw new Error(`The Worker answered ${response.status}.`);
  for await (const _chunk of response.body ?? []) firstByteMs ??= performance.now() - startMs;
  return firstByteMs ?? Number.NaN;
}

/** User and system time of a process so far; Linux counts it in hundredths of a second. */
function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function startSteadyUpstream(): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { max_tokens: events } = JSON.parse(body) as { max_tokens: number };
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    let sent = 0;
    const startMs = performance.now();
    const timer = setInterval(() => {
      for (; sent < events && sent < performance.now() - startMs; sent += 1) response.write(WORD);
      if (sent < events) return;
      clearInterval(timer);
      response.end(LAST);
    }, 1);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The upstream has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const event = (fields: object) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", model: "gpt-4o-mini", ...fields })}\n\n`;
const WORD = event({
  choices: [{ index: 0, delta: { content: " word" }, finish_reason: null }],
  usage: null,
});
const LAST = [
  event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null }),
  event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } }),
  "data: [DONE]\n\n",
].join("");

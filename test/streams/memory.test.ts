/** What a stream of many megabytes takes, in Node and in workerd. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import { startUpstream, type Upstream, type UpstreamRequest } from "../support/upstream.ts";
import { type RunningWorker, startWorkerd } from "../support/workerd.ts";

const MEGABYTES = 50;
/** What is on its way through sockets and streams, and what a reader may leave unread. */
const ON_ITS_WAY_BYTES = 8_000_000;
const UNREAD_BYTES = 8 * 1024 * 1024;

describe("A stream of 50 MB", () => {
  let upstream: Upstream;
  beforeEach(async () => {
    upstream = await startUpstream(async (request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunk = event({ choices: [{ index: 0, delta: { content: "x".repeat(8_000) } }] });
      for (let sent = 0; sent < megabytesOf(request) * 1_000_000; sent += chunk.length) {
        if (!response.write(chunk)) await once(response, "drain");
      }
      response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
      response.write(event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } }));
      response.end("data: [DONE]\n\n");
    });
  });
  afterEach(() => upstream.close());

  it.each([
    { what: "whose usage the meter asks for and hides", asksForUsage: "", waitsMs: 0 },
    { what: "that passes as it comes", asksForUsage: "yes", waitsMs: 0 },
    { what: "whose reader lets it wait", asksForUsage: "", waitsMs: 1_000 },
  ])("$what takes flat memory", async ({ asksForUsage, waitsMs }) => {
    const command = [packageCommand("node"), "--expose-gc", "test/streams/memory-program.ts"];
    const env = {
      UPSTREAM_URL: upstream.url,
      ASKS_FOR_USAGE: asksForUsage,
      MEGABYTES: String(MEGABYTES),
      WAITS_MS: String(waitsMs),
    };
    const { stdout, stderr } = await runToEnd(command, env);
    expect(stderr).toBe("");
    const { bytes, peakBytes, nanoUsdSpent } = JSON.parse(stdout);
    expect(bytes).toBeGreaterThan(MEGABYTES * 1_000_000);
    expect(nanoUsdSpent).toBe(2 * 2_850);
    console.log(`At most ${(peakBytes / 1e6).toFixed(1)} MB for ${(bytes / 1e6).toFixed(0)} MB`);
    expect(peakBytes).toBeLessThan(ON_ITS_WAY_BYTES + (waitsMs > 0 ? UNREAD_BYTES : 0));
  });

  describe("through workerd", () => {
    let worker: RunningWorker;
    beforeEach(async () => {
      const entry = "test/support/streaming-worker.ts";
      worker = await startWorkerd({ entry, env: { UPSTREAM_URL: upstream.url } });
    }, 60_000);
    afterEach(() => worker.stop());

    it.each([
      { what: "whose usage the meter asks for and hides", options: {} },
      { what: "that passes as it comes", options: { stream_options: { include_usage: true } } },
    ])("$what does not grow the process with its length", async ({ options }) => {
      const read = (megabytes: number) => peakOf(worker, { megabytes, ...options });
      await read(MEGABYTES / 2);
      const short = await read(MEGABYTES);
      const long = await read(4 * MEGABYTES);
      const grownBytes = long.peakBytes - short.peakBytes;
      const moreBytes = long.bytes - short.bytes;
      expect(moreBytes).toBeGreaterThan(3 * MEGABYTES * 1_000_000 * 0.99);
      console.log(`${(grownBytes / 1e6).toFixed(0)} MB more for ${(moreBytes / 1e6).toFixed(0)} MB more`);
      // The garbage collector of a process takes its time; an answer that was kept would be there whole.
      expect(grownBytes).toBeLessThan(moreBytes / 2);
    });
  });
});

/** Reads an answer to its end, and says how large the process was at most meanwhile. */
async function peakOf(
  { url, pid }: RunningWorker,
  fields: object,
): Promise<{ bytes: number; peakBytes: number }> {
  const body = JSON.stringify({ model: "gpt-4o-mini", messages: [], stream: true, ...fields });
  const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
  let bytes = 0;
  let peakBytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    peakBytes = Math.max(peakBytes, residentBytes(pid));
  }
  return { bytes, peakBytes };
}

function residentBytes(pid: number | undefined): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

const event = (fields: object) => `data: ${JSON.stringify({ model: "gpt-4o-mini", ...fields })}\n\n`;

function megabytesOf({ body }: UpstreamRequest): number {
  return typeof body === "object" && body !== null && "megabytes" in body ? Number(body.megabytes) : 1;
}

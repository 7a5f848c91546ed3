import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import { startUpstream, type Upstream, type UpstreamRequest } from "../support/upstream.ts";

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
});

const event = (fields: object) => `data: ${JSON.stringify({ model: "gpt-4o-mini", ...fields })}\n\n`;

function megabytesOf({ body }: UpstreamRequest): number {
  return typeof body === "object" && body !== null && "megabytes" in body ? Number(body.megabytes) : 1;
}

import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import { startUpstream, type Upstream, type UpstreamRequest } from "../support/upstream.ts";

const MEGABYTES = 50;
/** Of 50 MB; what stands there is what is on its way through sockets and streams. */
const MOST_BYTES = 12_000_000;

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
    ["whose usage the meter asks for and hides", ""],
    ["that passes as it comes", "yes"],
  ])("%s takes flat memory", async (_name, asksForUsage) => {
    const command = [packageCommand("node"), "--expose-gc", "test/streams/memory-program.ts"];
    const env = { UPSTREAM_URL: upstream.url, ASKS_FOR_USAGE: asksForUsage, MEGABYTES: String(MEGABYTES) };
    const { stdout, stderr } = await runToEnd(command, env);
    expect(stderr).toBe("");
    const { bytes, peakBytes, nanoUsdSpent } = JSON.parse(stdout);
    expect(bytes).toBeGreaterThan(MEGABYTES * 1_000_000);
    expect(nanoUsdSpent).toBe(2 * 2_850);
    console.log(`At most ${(peakBytes / 1e6).toFixed(1)} MB for ${(bytes / 1e6).toFixed(0)} MB`);
    expect(peakBytes).toBeLessThan(MOST_BYTES);
  });
});

const event = (fields: object) => `data: ${JSON.stringify({ model: "gpt-4o-mini", ...fields })}\n\n`;

function megabytesOf({ body }: UpstreamRequest): number {
  return typeof body === "object" && body !== null && "megabytes" in body ? Number(body.megabytes) : 1;
}

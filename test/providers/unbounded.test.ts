import { describe, expect, it } from "vitest";
import { routeOf } from "../../src/providers/index.ts";
import { passesOf, UNBOUNDED_FEATURES, unboundedPost } from "../../src/providers/unbounded.ts";

describe("A POST that no body bounds", () => {
  it.each([
    ["/v1/batches", "batch"],
    ["/v1/messages/batches", "batch"],
    ["/v1beta/models/gemini-2.5-flash:batchGenerateContent", "batch"],
    ["/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent", "batch"],
    ["/v1/responses/compact", "compaction"],
    ["/v1/realtime/sessions", "session"],
    ["/v1/realtime/client_secrets", "session"],
    ["/v1/live/sessions", "session"],
    ["/v1/threads/runs", "agentRun"],
    ["/v1/threads/thread_1/runs", "agentRun"],
    ["/v1/threads/thread_1/runs/run_1/submit_tool_outputs", "agentRun"],
    ["/v1/evals/eval_1/runs", "agentRun"],
    ["/v1/agents/sessions", "agentRun"],
    ["/v1/sessions", "agentRun"],
    ["/v1/sessions/s_1/events", "agentRun"],
    ["/v1/fine_tuning/jobs", "training"],
    ["/v1beta/tunedModels", "training"],
    ["/v1/projects/p/locations/l/tuningJobs", "training"],
    ["/v1beta/cachedContents", "cacheStorage"],
    ["/v1/projects/p/locations/l/cachedContents", "cacheStorage"],
    ["/v1/containers", "container"],
    ["/v1/videos", "video"],
    ["/v1beta/models/veo-3.1-generate-preview:predictLongRunning", "video"],
  ])("is refused at %s as %s", (path, feature) => {
    const url = new URL(path, "https://api.example");
    expect(routeOf("POST", url).kind).toBe("unknown");
    expect(unboundedPost(url)).toBe(feature);
  });

  it.each([
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/audio/speech",
    "/v1beta/models/m:batchEmbedContents",
  ])("is none at %s, which is a call or not known", (path) => {
    const url = new URL(path, "https://api.example");
    const isMetered = routeOf("POST", url).kind === "call";
    expect(isMetered || unboundedPost(url) === undefined).toBe(true);
  });

  it("is no conversation of OpenAI's, but one of Mistral's, which runs an agent", () => {
    expect(routeOf("POST", new URL("https://api.openai.com/v1/conversations")).kind).toBe("free");
    expect(routeOf("POST", new URL("https://api.mistral.ai/v1/conversations")).kind).toBe("unknown");
  });
});

describe("A model that goes on by itself", () => {
  it.each([
    ["groq/compound-mini", "severalPasses"],
    ["o4-mini-deep-research", "severalPasses"],
    ["gpt-4o-search-preview", "webSearch"],
  ])("is %s", (model, feature) => expect(passesOf(model)).toEqual([feature]));
});

it("has a sentence for each, as a clause that follows others", () => {
  for (const sentence of Object.values(UNBOUNDED_FEATURES)) {
    expect(sentence).toMatch(/^(?:an?|what|another|this|images|training|compaction) .+[^.]$/);
  }
});

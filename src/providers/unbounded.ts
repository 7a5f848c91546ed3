/** What no request body can bound: the one list, for all APIs. A call that uses any of it is refused by default. */

/** Features whose cost the request does not limit, each with the reason as users read it. */
export const UNBOUNDED_FEATURES = {
  serverTool:
    "a tool or a data source that the provider runs itself adds its results to the input, pass after pass",
  mcpServer: "an MCP server that the provider calls adds its results to the input, pass after pass",
  webSearch: "a web search adds pages to the input and has fees of its own",
  imageTool: "an image that a tool makes is billed as tokens of another model",
  container: "a container is billed by its running time",
  compaction: "compaction makes passes of its own over the whole conversation",
  storedPrompt:
    "a stored prompt may bring tools that the provider runs, unless the request has a list of `tools`",
  otherModels: "another model, with other prices, may answer in place of the one that is named",
  severalPasses: "this model makes several passes on its own",
  guardrail: "a guardrail is billed by the text that it reads, apart from the model",
  background: "a background answer states its usage only later, to a GET",
  batch: "a batch is made and billed later, and states its usage in files",
  agentRun: "a run of an agent that the provider hosts makes as many calls as it sees fit",
  session: "what passes through a session or a WebSocket is seen by no fetch",
  training: "training is billed when it ends, by the tokens of its files",
  cacheStorage: "what is stored in a cache is billed by the hour, until it is deleted",
  video: "a video is billed by its seconds, once it is made",
} as const;

export type UnboundedFeature = keyof typeof UNBOUNDED_FEATURES;

/** Models that search, browse or call other models by themselves, whoever serves them. */
export function passesOf(model: string): UnboundedFeature[] {
  const found: UnboundedFeature[] = [];
  if (/compound|deep-research/i.test(model)) found.push("severalPasses");
  if (/search-preview|search-api/i.test(model)) found.push("webSearch");
  return found;
}

/** What a POST that no body bounds does, where its path says it; such paths are metered by no file. */
export function unboundedPost({ pathname }: URL): UnboundedFeature | undefined {
  return UNBOUNDED_POSTS.find(([, path]) => path.test(pathname))?.[0];
}

const UNBOUNDED_POSTS: readonly [UnboundedFeature, RegExp][] = [
  ["batch", /\/batches\/*$|:(?:batchGenerate|asyncBatchEmbed)Content$|\/batchPredictionJobs\/*$/],
  ["compaction", /\/responses\/compact\/*$/],
  ["session", /\/(?:realtime|live|chatkit)\/./],
  [
    "agentRun",
    /\/(?:threads(?:\/[^/]+)?\/runs|evals\/[^/]+\/runs|sessions|deployments\/[^/]+\/run|dreams)(?:\/|$)|\/agents\/./,
  ],
  ["training", /\/fine_tuning\/|\/fine-tunes?\/|\/(?:tunedModels|tuningJobs)\/*$/],
  ["cacheStorage", /\/cachedContents\/*$/],
  ["container", /\/containers(?:\/|$)/],
  ["video", /\/videos(?:\/|$)|:predictLongRunning$/],
];

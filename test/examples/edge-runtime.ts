/** Runs an edge function of the examples for the tests, as anybody runs it on their machine. */
import { serveEdgeFunction } from "../../examples/edge-function.ts";
import type { RunningExample } from "./edge.suite.ts";

/** @param file of the function, from the root of the project. */
export async function startEdgeFunction(file: string, env: Record<string, string>): Promise<RunningExample> {
  const server = await serveEdgeFunction({ file, env });
  return { chatUrl: new URL("/api/chat", server.url).href, stop: () => server.close() };
}

/** The example for the AI SDK, in the runtime that its routes run in. */
import { edgeExampleSuite } from "./edge.suite.ts";
import { startEdgeFunction } from "./edge-runtime.ts";

edgeExampleSuite("the AI SDK example", (env) => startEdgeFunction("examples/ai-sdk/api/chat.ts", env));

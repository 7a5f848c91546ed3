/** The Vercel example, in its own runtime. */
import { edgeExampleSuite } from "./edge.suite.ts";
import { startEdgeFunction } from "./edge-runtime.ts";

edgeExampleSuite("the Vercel Edge example", (env) =>
  startEdgeFunction("examples/vercel-edge/api/chat.ts", env),
);

/** The Deno example, run by Deno. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePort } from "../support/redis-server.ts";
import { packageCommand, ROOT, startServer } from "./child-process.ts";
import { edgeExampleSuite } from "./edge.suite.ts";

edgeExampleSuite("the Deno example", async (env) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // This deno.json puts the built package where the example's own one says npm.
  const flags = ["--no-lock", "--config", "test/examples/deno.json", "--allow-net", "--allow-env"];
  const { stop } = await startServer([packageCommand("deno"), "run", ...flags, "examples/deno/main.ts"], {
    url,
    env: { ...env, PORT: String(port), DENO_NO_UPDATE_CHECK: "1" },
  });
  return { chatUrl: `${url}/chat`, stop };
});

it("the Deno example asks npm for this package at this version", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { imports } = JSON.parse(readFileSync(join(ROOT, "examples/deno/deno.json"), "utf8"));
  expect(imports).toEqual({ agentlimit: `npm:agentlimit@^${version}` });
});

/** The Cloudflare Worker example, run by `wrangler dev` in workerd. */
import { freePort } from "../support/redis-server.ts";
import { packageCommand, startServer } from "./child-process.ts";
import { edgeExampleSuite } from "./edge.suite.ts";

edgeExampleSuite("the Cloudflare Worker example", async (env) => {
  const [port, inspectorPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const { stop } = await startServer(
    [
      packageCommand("wrangler"),
      "dev",
      ...["--config", "examples/cloudflare-worker/wrangler.toml"],
      ...["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", String(inspectorPort)],
      ...Object.entries(env).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    {
      url,
      env: {
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        WRANGLER_HIDE_BANNER: "true",
        CI: "true",
      },
    },
  );
  return { chatUrl: `${url}/chat`, stop };
});

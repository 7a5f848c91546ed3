/** One redis-server, one bridge in front of it and one echoing provider for the whole run. Tests keep apart by namespaces of their own. */
import type { TestProject } from "vitest/node";
import { startBridge } from "./bridge.ts";
import { startEchoUpstream } from "./echo-upstream.ts";
import { startRedisServer } from "./redis-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    redisUrl: string;
    /** The bridge: the same Redis over REST, which is all that workerd reaches. */
    restUrl: string;
    restToken: string;
    /** Answers what it is asked to. */
    echoUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await startRedisServer();
  const bridge = await startBridge(redis.url);
  const echo = await startEchoUpstream();
  project.provide("echoUrl", echo.url);
  project.provide("redisUrl", redis.url);
  project.provide("restUrl", bridge.url);
  project.provide("restToken", bridge.token);
  return async () => {
    await echo.close();
    await bridge.close();
    await redis.stop();
  };
}

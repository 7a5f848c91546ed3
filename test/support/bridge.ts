/** Starts the bridge, so that REST clients reach a plain Redis. */
import { randomBytes } from "node:crypto";
import { createBridge } from "../../src/bridge/server.ts";

export interface TestBridge {
  url: string;
  token: string;
  close(): Promise<void>;
}

export async function startBridge(redisUrl: string): Promise<TestBridge> {
  const token = randomBytes(24).toString("base64url");
  const bridge = await createBridge({ redisUrl, token });
  return { ...bridge, token };
}

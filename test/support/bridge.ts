/** Starts the bridge, so that REST clients reach a plain Redis with any command. */
import { randomBytes } from "node:crypto";
import { type BridgeOptions, createBridge } from "../../src/bridge/server.ts";

export interface TestBridge {
  url: string;
  token: string;
  close(): Promise<void>;
}

export async function startBridge(
  redisUrl: string,
  options: Partial<BridgeOptions> = {},
): Promise<TestBridge> {
  const token = randomBytes(24).toString("base64url");
  const bridge = await createBridge({ redisUrl, token, allow: "all", ...options });
  return { ...bridge, token };
}

/** A program that records one call, says what came of it, and closes nothing; run by short-program.test.ts. */
import { AgentLimitError, UsageMeter } from "../../src/node.ts";

const { STORE_URL = "", TOKEN = "" } = process.env;
const store = STORE_URL.startsWith("redis:")
  ? { redisUrl: STORE_URL }
  : { redis: { url: STORE_URL, token: TOKEN } };
const meter = new UsageMeter({ ...store, namespace: "short-program", agentId: "a", storeTimeoutMs: 400 });
try {
  await meter.record({ costUsd: "0.01" });
  console.log("recorded");
} catch (error) {
  console.log(error instanceof AgentLimitError ? error.code : error);
}

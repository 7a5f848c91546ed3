/** Tells how dead stores are refused over TCP and REST, in Deno and Bun; run by dead-stores.test.ts. */
import { UsageMeter } from "../../src/node.ts";
import { tellRefusals } from "./refusals.ts";

const { ADDRESSES = "{}", TOKEN: token = "", UPSTREAM_URL = "" } = process.env;
const budget = { agentId: "a", monthlyBudgetUsd: 1 };

await tellRefusals(
  JSON.parse(ADDRESSES),
  (url) =>
    new UsageMeter(
      url.startsWith("redis") ? { redisUrl: url, ...budget } : { redis: { url, token }, ...budget },
    ),
  UPSTREAM_URL,
);

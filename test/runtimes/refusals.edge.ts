/** Tells how dead stores are refused over REST, in the edge runtime; bundled and run by dead-stores.test.ts. */
import { UsageMeter } from "../../src/index.ts";
import { tellRefusals } from "./refusals.ts";

const { ADDRESSES = "{}", TOKEN: token = "", UPSTREAM_URL = "" } = SETTINGS;

void tellRefusals(
  JSON.parse(ADDRESSES),
  (url) => new UsageMeter({ redis: { url, token }, agentId: "a", monthlyBudgetUsd: 1 }),
  UPSTREAM_URL,
);

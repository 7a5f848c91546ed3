/**
 * Three ledgers, held against each other over random sequences of callers at once: the Lua answers and keeps, byte by
 * byte, what the rules in TypeScript do, and both what the naive ledger adds up from a plain list of all operations.
 */
import { describe, it } from "vitest";
import { PROPERTY_TIMEOUT_MS, sequences } from "./random-steps.ts";
import { expectSameLedgers } from "./scripts-and-rules.ts";

describe("The scripts in Redis, the rules, and a plain list of all operations added up", () => {
  it(
    "agree on every answer and everything that is kept",
    () => expectSameLedgers(sequences),
    PROPERTY_TIMEOUT_MS,
  );
});

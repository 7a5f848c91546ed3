/** The scripts go a short way where nothing has changed since the last operation: nobody can tell from what it answers and keeps. */
import { describe, it } from "vitest";
import { PROPERTY_TIMEOUT_MS } from "./random-steps.ts";
import { expectSameLedgers } from "./scripts-and-rules.ts";
import { steadySequences } from "./steady-sequences.ts";

describe("Calls between which nothing changes", () => {
  it(
    "are answered and kept by the short way as by the rules",
    () => expectSameLedgers(steadySequences),
    PROPERTY_TIMEOUT_MS,
  );
});

import { describe, expect, it } from "vitest";
import { replayFolder } from "./replay.ts";

describe("Recorded answers, cut anywhere", () => {
  it.each([1, 2, 3])("are passed on byte for byte and settled at what they state (seed %i)", async (seed) => {
    const { passed, failures } = await replayFolder(import.meta.dirname, seed);
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(30);
  });
});

/** A short run of `npm run chaos`; the long one is made by hand. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { NetworkFaults } from "../../chaos/network-faults.ts";
import { runChaos } from "../../chaos/run.ts";

describe("Processes of callers under every fault at once", () => {
  it("leave a ledger that is exact, whatever was lost, doubled, delayed, cut, killed, hung, flushed or full", async () => {
    const report = await runChaos({
      seed: 1,
      seconds: 12,
      operations: 5_000,
      processes: 3,
      callersPerProcess: 8,
    });

    expect(report.contradictions).toEqual([]);
    expect(report.faultedOperations).toBeGreaterThan(1_000);
    const missing = Object.entries(report.faults).filter(([, number]) => number === 0);
    expect(missing).toEqual([]);
    for (const outcome of [
      "reserve held",
      "reserve denied",
      "reserve held before",
      "settle booked",
      "settle done",
      "release booked",
      "release unknown",
      "record booked",
      "reset applied",
      "pause applied",
    ]) {
      expect(report.outcomes[outcome], outcome).toBeGreaterThan(0);
    }
  }, 180_000);
});

describe("A seed", () => {
  it("draws the same faults for the same operations again, in whatever order they come by", () => {
    const ids = Array.from({ length: 300 }, (_, number) => `0.0.1.${number}`);
    const drawn = (seed: number, order: string[]) => {
      const faults = new NetworkFaults(seed);
      const byId = order.map((id): [string, unknown] => [id, faults.next("rest", [id])]);
      return Object.fromEntries(byId);
    };
    expect(drawn(5, ids)).toEqual(drawn(5, [...ids].reverse()));
    expect(drawn(5, ids)).not.toEqual(drawn(6, ids));
  });

  it("must be a whole number, and so must all that the command takes", () => {
    const run = spawnSync(process.execPath, ["chaos/main.ts", "--seed", "0x7"], { encoding: "utf8" });
    expect(run.status).toBe(1);
    expect(run.stderr).toBe("chaos: --seed is a whole number from 0 to 4294967296, not 0x7.\n");
  });
});

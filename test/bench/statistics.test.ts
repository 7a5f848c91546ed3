import { describe, expect, it } from "vitest";
import { ratio } from "../../bench/comparison.ts";
import { median, percentile, spread } from "../../bench/statistics.ts";

describe("What the bench makes of its figures", () => {
  it("is the middle one, or the mean of the middle two", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9])).toBe(9.5);
  });

  it("is the least that so many do not exceed", () => {
    const hundred = Array.from({ length: 100 }, (_, place) => 100 - place);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100]);
  });

  it("is its lowest and highest too", () => {
    expect(spread([5, 1, 3])).toEqual({ median: 3, lowest: 1, highest: 5 });
  });

  it("compares rounds of the same turn, not medians of different ones", () => {
    const round = (callsPerSecond: number) => ({
      callsPerSecond,
      p50Ms: 1,
      p99Ms: 1,
      serverMicros: 1,
      scriptMicros: 1,
    });
    // A slow moment halves both in one turn: their ratio stays.
    const rounds = { base: [100, 50, 200].map(round), ours: [50, 25, 100].map(round) };
    const measured = ratio({ title: "", rounds }, { of: "ours", to: "base" }, (each) => each.callsPerSecond);
    expect(measured).toEqual({ median: 0.5, lowest: 0.5, highest: 0.5 });
  });

  it("is no number where nothing was measured", () => {
    expect([median([]), percentile([], 0.5)]).toEqual([Number.NaN, Number.NaN]);
  });
});

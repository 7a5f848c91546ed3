/** The small assertions refuse what Node's own refuse: else a case could pass in the edge runtime alone. */
import nodes from "node:assert/strict";
import { describe, expect, it } from "vitest";
import * as small from "./small-assert.ts";

const VALUES: unknown[] = [
  ...[undefined, null, true, false, 0, -0, 1, Number.NaN, "", "1"],
  ...[[], [1], [1, 2], [2, 1], [undefined], new Array(1), [[1]], [["1"]]],
  ...[{}, { a: 1 }, { a: "1" }, { a: undefined }, { b: undefined }, { a: 1, b: 2 }, { b: 2, a: 1 }],
  ...[{ a: { b: [1] } }, { a: { b: [2] } }, { 0: 1 }, { 0: 1, length: 1 }, Object.create(null)],
  ...[new Date(0), new Date(1), new Date(Number.NaN), { at: new Date(0) }, [new Date(1)]],
];

describe("the small assertions", () => {
  it.each([
    ["equal", small.equal, nodes.equal],
    ["deepEqual", small.deepEqual, nodes.deepEqual],
  ])("judge each pair of values as Node's do, by %s", (_name, judge, nodesJudge) => {
    for (const actual of VALUES) {
      for (const expected of [...VALUES, structuredClone(actual)]) {
        const isRefused = refuses(() => judge(actual, expected));
        const isRefusedByNode = refuses(() => nodesJudge(actual, expected));
        expect({ actual, expected, isRefused }).toEqual({ actual, expected, isRefused: isRefusedByNode });
      }
    }
  });

  it("judge each value as Node's do, by ok", () => {
    for (const value of VALUES) {
      const isRefused = refuses(() => checked(value));
      expect({ value, isRefused }).toEqual({ value, isRefused: refuses(() => nodes.ok(value)) });
    }
  });

  it.each([
    [{ code: "A" }],
    [{ code: "B" }],
    [{ code: "A", message: /lost/ }],
    [{ code: "A", message: /found/ }],
    [{ absent: "A" }],
    [{ code: /A/ }],
    [{ number: /1/ }],
    [{ number: 1 }],
  ])("judge a rejection as Node's do, by rejects with %o", async (expected) => {
    const error = Object.assign(new Error("It is lost."), { code: "A", number: 1 });
    for (const promise of [() => Promise.reject(error), () => Promise.resolve(error)]) {
      const isRefused = await isRejected(small.rejects(promise(), expected));
      expect(isRefused).toBe(await isRejected(nodes.rejects(promise(), expected)));
    }
  });
});

function checked(value: unknown): void {
  small.ok(value);
}

function refuses(run: () => void): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}

async function isRejected(promise: Promise<void>): Promise<boolean> {
  const [outcome] = await Promise.allSettled([promise]);
  return outcome.status === "rejected";
}

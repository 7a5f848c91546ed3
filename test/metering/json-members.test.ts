import { describe, expect, it } from "vitest";
import { countMembers, withMembers } from "../../src/metering/json-members.ts";
import { random } from "../recordings/cuts.ts";

const changed = (json: string, members: Record<string, unknown>) =>
  withMembers(json, new Map(Object.entries(members)));

describe("Members of a JSON text", () => {
  it.each([
    ["{}", '{"a":5}'],
    [" { } ", ' { "a":5} '],
    ['{"b":1}', '{"b":1,"a":5}'],
    ['{"a":1}', '{"a":5}'],
    ['{ "a" : 1 , "b" : [ ] }', '{ "a" :5, "b" : [ ] }'],
    ['{"b":{"a":1},"\\u0061":{"a":2}}', '{"b":{"a":1},"\\u0061":5}'],
    ['{"b":"\\"a\\":1,","a":"}"}', '{"b":"\\"a\\":1,","a":5}'],
    ['{"b":"\\\\","a":1}', '{"b":"\\\\","a":5}'],
    ['{"b":9007199254740993,"c":1.0}', '{"b":9007199254740993,"c":1.0,"a":5}'],
  ])("of %s change alone", (before, after) => expect(changed(before, { a: 5 })).toBe(after));

  it("change several at once, and to any value", () => {
    expect(changed('{"a":1,"b":2,"c":3}', { b: { x: [1] }, a: "t", d: null })).toBe(
      '{"a":"t","b":{"x":[1]},"c":3,"d":null}',
    );
    expect(changed('{"__proto__":1}', {})).toBe('{"__proto__":1}');
  });

  it("are more than are kept where a name stands twice, at whatever depth and however it is escaped", () => {
    for (const twice of ['{"a":1,"a":2}', '{"b":[{"a":1,"\\u0061":2}]}', '{"b":{"a":":","a":"\\":"}}']) {
      expect(countMembers(twice)).toBe(countMembers(JSON.stringify(JSON.parse(twice))) + 1);
    }
  });
});

describe("Random JSON texts", () => {
  it.each([1, 2, 3])("keep all but what was changed (seed %i)", (seed) => {
    const next = random(seed);
    for (let run = 0; run < 500; run += 1) {
      const before = randomObject(next, 0);
      const text = spaced(JSON.stringify(before), next);
      expect(countMembers(text)).toBe(countMembers(JSON.stringify(before)));
      const name = next() < 0.5 ? (Object.keys(before)[0] ?? "new") : "new";
      const value = randomValue(next, 2);
      const after = JSON.parse(changed(text, { [name]: value }));
      expect(after).toEqual({ ...before, [name]: value });
      expect(Object.keys(after)).toEqual(Object.keys({ ...before, [name]: value }));
    }
  });
});

const TEXTS = ["", "a", '"', "\\", '\\"', "{", "}", "[,]", ":", "é", "\u0001", "\ud800", "max_tokens"];
/** Without quotes and backslashes: V8 of Node 24 takes some escaped names for others that it read before. */
const NAMES = TEXTS.filter((text) => !/["\\]/.test(text));
const pick = <T>(next: () => number, list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;

function randomValue(next: () => number, depth: number): unknown {
  if (depth > 3 || next() < 0.5) return pick(next, [...TEXTS, 0, -1.5, 1e21, true, false, null]);
  if (next() < 0.5) return Array.from({ length: next() * 4 }, () => randomValue(next, depth + 1));
  return randomObject(next, depth + 1);
}

function randomObject(next: () => number, depth: number): Record<string, unknown> {
  const names = Array.from({ length: next() * 5 }, () => `${pick(next, NAMES)}${pick(next, NAMES)}`);
  return Object.fromEntries(names.map((name) => [name, randomValue(next, depth)]));
}

/** Puts space where JSON allows it. */
function spaced(json: string, next: () => number): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (part) =>
    next() < 0.3 ? `${pick(next, [" ", "\n", "\t "])}${part} ` : part,
  );
}

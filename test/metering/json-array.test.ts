import { describe, expect, it } from "vitest";
import { JsonArraySplitter } from "../../src/metering/json-array.ts";
import { cutsInsideCharacters, random } from "../recordings/cuts.ts";

const encoder = new TextEncoder();

function split(chunks: Uint8Array[]): { elements: string[]; bytes: string; held: string } {
  const splitter = new JsonArraySplitter();
  // What is held may change with the next push, what was cut out may not.
  const frames = chunks.flatMap((chunk) => splitter.push(Uint8Array.from(chunk)));
  const decoder = new TextDecoder();
  return {
    elements: frames.map((frame) => splitter.dataOf(frame)),
    bytes: decoder.decode(Buffer.concat([...frames, splitter.held])),
    held: decoder.decode(splitter.held),
  };
}

const splitText = (text: string) => split([encoder.encode(text)]);

describe("A JSON array is cut into its elements", () => {
  it.each([
    ["side by side", '[{"a":1},{"b":2}]'],
    ["a line each, as Gemini sends them", '[{"a":1}\n,\r\n{"b":2}\n]\n'],
    ["after spaces", ' \n[ {"a":1} , {"b":2} ]'],
    ["after a byte order mark", '\uFEFF[{"a":1},{"b":2}]'],
    ["with no array around them", '{"a":1}\n{"b":2}\n'],
  ])("%s", (_name, text) => {
    expect(splitText(text).elements).toEqual(['{"a":1}', '{"b":2}']);
  });

  it.each([
    '{"text":"}],[{"}',
    '{"text":"a \\" } b"}',
    '{"text":"\\\\"}',
    '{"deep":[{"x":[[]]},"]"]}',
    '{"}":{"{":1}}',
  ])("%s is one of them", (element) => {
    expect(splitText(`[${element},{"b":2}]`).elements).toEqual([element, '{"b":2}']);
  });

  it("none in an empty one", () => {
    expect(splitText("[]")).toMatchObject({ elements: [], held: "[]" });
  });

  it("and what is not complete is held", () => {
    expect(splitText('[{"a":1},{"b":')).toMatchObject({ elements: ['{"a":1}'], held: ',{"b":' });
    expect(splitText('[{"a":1}]')).toMatchObject({ elements: ['{"a":1}'], held: "]" });
  });

  it("as soon as its last byte has come", () => {
    const splitter = new JsonArraySplitter();
    expect(splitter.push(encoder.encode('[{"a":1}')).length).toBe(1);
    expect(splitter.held.length).toBe(0);
  });

  it("wherever its chunks end, inside characters and escapes too, with every byte kept in order", () => {
    const text = '[{"text":"grün 👋 \\\\\\"}"},\r\n{"ﷺ":[1,{"b":"]"}]}\n,{"c":"\\u007d"}\n]';
    const bytes = encoder.encode(text);
    const whole = splitText(text);
    expect(whole.elements.map((element) => JSON.parse(element))).toEqual(JSON.parse(text));
    for (let seed = 0; seed < 200; seed += 1) {
      const next = random(seed);
      expect(split(cutsInsideCharacters(bytes, () => next() * 0.02))).toEqual({ ...whole, bytes: text });
    }
    expect(split(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual({
      ...whole,
      bytes: text,
    });
  });

  it("an element of 16 MB in chunks of 1 kB without copying it for each", () => {
    const chunk = encoder.encode("x".repeat(1024));
    const splitter = new JsonArraySplitter();
    const startedAtMs = performance.now();
    splitter.push(encoder.encode('[{"text":"'));
    for (let count = 0; count < 16 * 1024; count += 1) splitter.push(chunk);
    const [element] = splitter.push(encoder.encode('"}'));
    // Copied each time, it would be 128 GB.
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(element?.length).toBe(16 * 1024 * 1024 + 12);
  });

  it.each(["]]]]{", "}{[", '"', "null", "[1,2,3]", '[[{"a":1}]'])(
    "and senseless input is no error: %s",
    (text) => {
      expect(splitText(text).bytes).toBe(text);
    },
  );
});

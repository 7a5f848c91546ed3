import { describe, expect, it } from "vitest";
import { EventSplitter, eventData } from "../../src/metering/sse.ts";
import { cutsInsideCharacters, random } from "../recordings/cuts.ts";

const encoder = new TextEncoder();

function split(chunks: Uint8Array[]): { events: string[]; bytes: string; held: string } {
  const splitter = new EventSplitter();
  const events = chunks.flatMap((chunk) => splitter.push(chunk));
  const decoder = new TextDecoder();
  return {
    events: events.map(eventData),
    bytes: decoder.decode(Buffer.concat([...events, splitter.held])),
    held: decoder.decode(splitter.held),
  };
}

const splitText = (text: string) => split([encoder.encode(text)]);

describe("An event stream is cut into its events", () => {
  it.each([
    ["line feeds", "data: a\n\ndata: b\n\n"],
    ["carriage returns and line feeds", "data: a\r\n\r\ndata: b\r\n\r\n"],
    ["carriage returns", "data: a\r\rdata: b\r\r"],
    ["a mixture", "data: a\r\n\ndata: b\n\r\n"],
  ])("at blank lines of %s", (_name, text) => {
    expect(splitText(text).events.filter((data) => data !== "")).toEqual(["a", "b"]);
  });

  it("with comments and other fields left aside, and data lines joined", () => {
    expect(splitText(": hello\nevent: x\nid: 1\ndata: a\ndata:b\ndata:  c\n\n").events).toEqual(["a\nb\n c"]);
    expect(splitText(": only a comment\n\n").events).toEqual([""]);
  });

  it("and what is not complete is held", () => {
    expect(splitText("data: a\n\ndata: b\n")).toMatchObject({ events: ["a"], held: "data: b\n" });
  });

  it("wherever its chunks end, inside characters and line ends too, with every byte kept in order", () => {
    const text = 'data: grün 👋\r\n\r\n: ﷺ\n\nevent: e\ndata: {"a":1}   \n\ndata: end\r\n\r\nda';
    const bytes = encoder.encode(text);
    const whole = splitText(text);
    for (let seed = 0; seed < 200; seed += 1) {
      const next = random(seed);
      const pieces = cutsInsideCharacters(bytes, () => next() * 0.02);
      const parts = split(pieces);
      expect(parts.bytes).toBe(text);
      expect(parts.events.filter((data) => data !== "")).toEqual(whole.events.filter((data) => data !== ""));
    }
    const single = split(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
    expect(single.bytes).toBe(text);
    expect(single.events.filter((data) => data !== "")).toEqual(["grün 👋", '{"a":1}   ', "end"]);
  });

  it("as soon as its last byte has come", () => {
    const splitter = new EventSplitter();
    expect(splitter.push(encoder.encode("data: a\r\n\r\n")).length).toBe(1);
    expect(splitter.held.length).toBe(0);
  });
});

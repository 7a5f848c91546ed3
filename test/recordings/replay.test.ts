import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replayFolder } from "./replay.ts";

const answer = {
  object: "chat.completion",
  model: "some-model",
  choices: [{ index: 0, message: { role: "assistant", content: "Yes." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
};
const record = {
  id: "one",
  api: "openai-chat",
  provider: "openai",
  streaming: false,
  wire: "json",
  file: "one.json",
  httpStatus: 200,
  model: "some-model",
  expected: { inputTokens: 8, outputTokens: 2 },
};

describe("A replay of a folder", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "recordings-"));
    write("one.json", answer);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (file: string, content: unknown) =>
    writeFileSync(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
  const replay = async (index: unknown) => {
    write("index.json", index);
    return replayFolder(folder, 1);
  };

  it("passes what is settled at its counts", async () => {
    expect(await replay([record])).toEqual({ passed: 1, failures: [], skipped: new Map() });
  });

  it.each([
    ["counts that were not settled", { expected: { inputTokens: 9, outputTokens: 2 } }, "inputTokens|in all"],
    ["a cost that was not settled", { expected: { ...record.expected, providerCostUsd: 1 } }, "nano-USD"],
    ["an answer that should not have been billed", { httpStatus: 429 }, "reported, not released"],
    ["a body that is not there", { file: "two.json" }, "ENOENT"],
    ["a wire that the body is not", { wire: "sse", streaming: true }, "estimated, not reported"],
    ["a status that is none", { httpStatus: "OK" }, "OK is no status"],
  ])("fails %s, and goes on", async (_, change, why) => {
    const { passed, failures } = await replay([{ ...record, ...change }, record]);
    expect(failures).toEqual([expect.stringMatching(new RegExp(`^one: .*(?:${why})`))]);
    expect(passed).toBe(1);
  });

  it("counts what it skips by the reason", async () => {
    const { passed, failures, skipped } = await replay([
      record,
      { ...record, api: "some-api" },
      { ...record, expected: undefined },
    ]);
    expect([passed, failures]).toEqual([1, []]);
    expect([...skipped]).toEqual([
      ["answers of some-api", 1],
      ["answers without `expected`", 1],
    ]);
  });

  it("fails what is malformed, by its place", async () => {
    write("requests.jsonl", '{"id":"no request"}\n\n{"id":\n');
    const { failures, skipped } = await replay([record, "a record"]);
    expect(failures).toEqual([
      "index.json: entry 2 is no object",
      "requests.jsonl: line 3 is no JSON object",
    ]);
    expect([...skipped]).toEqual([["requests without `actual`", 1]]);
  });

  it("fails an index that is no list", async () => {
    const { passed, failures } = await replay({ records: [record] });
    expect([passed, failures]).toEqual([0, ["index.json: is no list of records"]]);
  });

  it("fails a folder that holds no recordings, and one that is not there", async () => {
    const without = join(folder, "none");
    expect((await replayFolder(without, 1)).failures).toEqual([`${without}: there is no such folder`]);
    const { failures } = await replayFolder(folder, 1);
    expect(failures).toEqual([`${folder}: has neither index.json nor requests.jsonl`]);
  });

  it("ends with 0 where all passed, and with 1 where something failed or nothing was replayed", async () => {
    const script = join(import.meta.dirname, "../../scripts/replay-recordings.ts");
    const run = (index: unknown) => {
      write("index.json", index);
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
      return [status, stdout.trim(), stderr.trim()];
    };
    expect(run([record])).toEqual([0, "1 passed, 0 failed", ""]);
    expect(run([record, 5])).toEqual([1, "1 passed, 1 failed", "failed  index.json: entry 2 is no object"]);
    expect(run([{ ...record, api: "some-api" }])).toEqual([
      1,
      "0 passed, 0 failed; skipped: 1 answers of some-api",
      `Nothing in ${folder} could be replayed.`,
    ]);
  }, 30_000);
});

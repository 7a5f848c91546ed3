import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { agentlimit, agentlimitAtTerminal, freshNamespace } from "./command.ts";

const ESCAPE = "\u001b[";
const GREEN_OK = `${ESCAPE}32mOK${ESCAPE}39m`;
const status = ["status", "--agent", "a", "--redis", inject("redisUrl"), "--namespace", freshNamespace()];

describe("Colour", () => {
  it("is used at a terminal, in answers, help and errors", async () => {
    const [answer, help, error] = await Promise.all([
      agentlimitAtTerminal(status),
      agentlimitAtTerminal(["--help"]),
      agentlimitAtTerminal(["status"]),
    ]);
    expect(answer.stdout).toContain(GREEN_OK);
    expect(help.stdout).toContain(ESCAPE);
    expect(error.stdout).toContain(`${ESCAPE}31magentlimit: `);
    expect([answer.code, help.code, error.code]).toEqual([0, 0, 2]);
  });

  it.each<{ setting: string; environment: Record<string, string> }>([
    { setting: "NO_COLOR", environment: { NO_COLOR: "1" } },
    { setting: "NO_COLOR over FORCE_COLOR", environment: { NO_COLOR: "1", FORCE_COLOR: "3" } },
    { setting: "a terminal that has none", environment: { TERM: "dumb" } },
  ])("is left out at a terminal under $setting", async ({ environment }) => {
    for (const args of [status, ["--help"], ["status"]]) {
      const { stdout } = await agentlimitAtTerminal(args, environment);
      expect(stdout).not.toBe("");
      expect(stdout).not.toContain("\u001b");
    }
  });

  it("is left out in a pipe, unless FORCE_COLOR asks for it", async () => {
    const [pipe, forced, unforced] = await Promise.all([
      agentlimit(status, { TERM: "xterm-256color" }),
      agentlimit(status, { FORCE_COLOR: "1" }),
      agentlimit(status, { TERM: "xterm-256color", FORCE_COLOR: "0" }),
    ]);
    expect(forced.stdout).toContain(GREEN_OK);
    for (const { stdout } of [pipe, unforced]) expect(stdout).not.toContain("\u001b");
  });

  it("never gets into JSON", async () => {
    const { stdout } = await agentlimitAtTerminal([...status, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ status: "OK" });
  });
});

describe("Output", () => {
  const run = (line: string) => {
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    return promisify(execFile)("sh", ["-c", line.replace("agentlimit", `'${process.execPath}' '${main}'`)], {
      env: { PATH: process.env.PATH },
    });
  };

  it("may be read in part: `models --json | head` is quiet", async () => {
    const { stdout, stderr } = await run("agentlimit models --json | head -n 1");
    expect(stdout).toBe("[\n");
    expect(stderr).toBe("");
  });

  it("that can't be written is an error", async () => {
    const failure = run("agentlimit models > /dev/full");
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stderr: "agentlimit: The output can't be written (ENOSPC).\n",
    });
  });
});

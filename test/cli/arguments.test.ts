import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { agentlimit, ONE_LINE } from "./command.ts";

describe("A command line that can't be meant", () => {
  it.each([
    { args: ["status", "--agnt", "a"], says: "There is no flag --agnt; did you mean --agent?" },
    { args: ["status", "--agent", "a", "--namspace=x"], says: "did you mean --namespace?" },
    { args: ["reset", "--agent-id", "a"], says: "did you mean --agent?" },
    { args: ["status", "--redis-url", "redis://h"], says: "did you mean --redis?" },
    { args: ["models", "--agent", "a"], says: "There is no flag --agent" },
    { args: ["status", "--agent", "a", "--constructor", "x"], says: "There is no flag --constructor." },
    { args: ["--constructor"], says: "There is no such flag." },
    { args: ["status", "-a", "a"], says: "There is no flag -a." },
    { args: ["statsu"], says: "There is no command statsu; did you mean status?" },
    { args: ["constructor"], says: "There is no command constructor." },
    { args: ["--agent", "a", "status"], says: "Flags stand after the command" },
    { args: ["status"], says: "--agent <name>, or --scope <name>" },
    { args: ["status", "--agent", "a", "--scope", "b"], says: "--agent or --scope, not both" },
    { args: ["status", "--agent"], says: "--agent needs a value" },
    { args: ["status", "--agent", "--json"], says: "--agent needs a value" },
    { args: ["status", "--agent="], says: "--agent= needs a value" },
    { args: ["status", "--agent", " "], says: "--agent is a name, not blank" },
    { args: ["status", "--agent", "a b"], says: "Not a valid scope" },
    { args: ["status", "--agent", "a", "--namespace", "Prod"], says: "Not a valid namespace" },
    { args: ["status", "--agent", "a", "--agent", "b"], says: "--agent is given twice" },
    {
      args: ["status", "--agent", "a", "--redis", "http://h.example", "--token", "t"],
      says: "write https://",
    },
    { args: ["status", "my-agent"], says: "Only flags may follow the command" },
  ])("is refused with exit code 2 and one line: $args", async ({ args, says }) => {
    const { code, stdout, stderr } = await agentlimit(args);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain(says);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it.each([
    { args: ["redis://:hunter2@h:1", "status"] },
    { args: ["--redis=redis://:hunter2@h:1", "status"] },
    { args: ["hunter2hunter2hunter2hunter2", "status"] },
    { args: ["status", "redis://:hunter2@h:1"] },
    { args: ["status", "--redis", "redis://:hunter2@h:1", "--redis", "redis://:hunter2@h:2"] },
    { args: ["status", "--token", "--hunter2hunter2hunter2hunter2hunter2"] },
    { args: ["status", "--json=hunter2"] },
    { args: ["status", "--agent", "a", "--redis", "hunter2"] },
    { args: ["status", "--agent", "a", "--redis", "redis://default:12#hunter2@h"] },
    { args: ["status", "--agent", "a", "--redis", "redis://default:12/hunter2@h"] },
    { args: ["status", "--agent", "a", "--redis", "redis://default:12?hunter2@h"] },
    { args: ["status", "--agent", "a", "--redis", "redis://h/hunter2"] },
    { args: ["status", "--agent", "a", "--redis", "https://u:hunter2@h.example", "--token", "t"] },
    { args: ["status", "--agent", "a", "--redis", "https://h.example", "--token", "hunter2 hunter2"] },
    { args: ["status", "--agent", "a", "--redis", "http://h.example", "--token", "hunter2"] },
    { args: ["status", "--agent", "a", "--redis", "redis://h", "--token", "hunter2"] },
  ])("is not repeated where a secret may stand in it: $args", async ({ args }) => {
    const { code, stdout, stderr } = await agentlimit(args);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).not.toContain("hunter2");
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("`--help` and `--version`", () => {
  it("explains the commands, with examples and exit codes", async () => {
    const [bare, long, short] = await Promise.all([
      agentlimit([]),
      agentlimit(["--help"]),
      agentlimit(["-h"]),
    ]);
    expect(long.stdout).toMatch(/^ {2}status {2}\S.*\n {2}reset {3}\S.*\n {2}models {2}\S/m);
    expect(long.stdout).toContain("agentlimit status --agent my-agent --redis redis://localhost:6379");
    expect(long.stdout).toContain("2 a wrong command line");
    expect([bare.stdout, short.stdout]).toEqual([long.stdout, long.stdout]);
    expect([bare.code, long.code, short.code]).toEqual([0, 0, 0]);
    expect(long.stderr).toBe("");
  });

  it.each(["status", "reset", "models"])("explains %s", async (command) => {
    const { code, stdout } = await agentlimit([command, "--help"]);
    expect(stdout).toContain("Examples:\n");
    expect(stdout).toMatch(/^ +\[--json\] +\S/m);
    expect(stdout.split("\n").filter((line) => line.length > 110)).toEqual([]);
    expect(code).toBe(0);
  });

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    const outcomes = await Promise.all([agentlimit(["--version"]), agentlimit(["-v"])]);
    for (const { code, stdout } of outcomes) expect([code, stdout]).toEqual([0, `${version}\n`]);
  });
});

/** `npm run demo` is the first thing that a stranger sees: what it claims must be so, wherever its ledger is. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { freePort } from "../support/redis-server.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 30_000;

const LEDGERS: { where: string; args: string[]; env: Record<string, string> }[] = [
  { where: "this process's memory", args: [], env: {} },
  // A database of its own: the run over REST has the same namespace.
  { where: "Redis over TCP", args: ["--redis", `${inject("redisUrl")}/1`], env: {} },
  {
    where: "Redis over REST, as Upstash's two variables name it",
    args: [],
    env: { UPSTASH_REDIS_REST_URL: inject("restUrl"), UPSTASH_REDIS_REST_TOKEN: inject("restToken") },
  },
];

describe.concurrent("the demo in a pipe", () => {
  it.each(LEDGERS)(
    "keeps in under 30 s all that it claims, with its ledger in $where",
    async ({ args, env }) => {
      const { exitCode, output, errors, durationMs } = await runDemo(args, env);

      expect(errors).toBe("");
      expect(exitCode).toBe(0);
      expect(durationMs).toBeLessThan(LIMIT_MS);
      expect(output).not.toContain("\x1b");

      const agents = ["researcher", "coder", "support-bot", "crawler"].map((name) =>
        outcome(output, `agent:${name}`),
      );
      const team = outcome(output, "team:search");
      for (const { spent, held, limit, billed } of [...agents, team]) {
        expect(spent).toBeGreaterThan(0);
        expect(spent).toBeLessThanOrEqual(limit);
        expect(held).toBe(0);
        expect(spent).toBe(billed);
      }
      expect(agents.map(({ stoppedBy }) => stoppedBy)).toEqual(["own cap", "own cap", "own cap", "team cap"]);
      expect(micro(team.spent)).toBe(agents.reduce((sum, { spent }) => sum + micro(spent), 0));
      expect(output).toContain("agent:crawler is stopped by the budget of team:search");

      expect(burstRow(output, "let through")).toEqual(["40", "10"]);
      expect(burstRow(output, "refused before they were sent")).toEqual(["0", "30"]);
      const [unguarded = 0, metered = 0] = burstRow(output, "billed by the server").map(usd);
      expect(unguarded).toBeGreaterThan(3);
      expect(metered).toBeLessThanOrEqual(1);
      expect(metered).toBeGreaterThan(0.7);

      expect(output.match(/✔/g)).toHaveLength(5);
      expect(output).not.toContain("✘");
      const lastLines = output.trimEnd().split("\n").slice(-3);
      expect(lastLines[0]).toContain('import { UsageMeter } from "agentlimit"');
      expect(lastLines[2]).toContain("new OpenAI({ fetch: meter.fetch })");
    },
    2 * LIMIT_MS,
  );

  it("says in one line what is wrong when its Redis does not answer", async () => {
    const { exitCode, errors } = await runDemo(
      ["--redis", `redis://:hidden@127.0.0.1:${await freePort()}`],
      {},
    );
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^demo: [^\n]+\n$/);
    expect(errors).not.toContain("hidden");
  });

  it("refuses flags that it does not know", async () => {
    const { exitCode, errors } = await runDemo(["--namespce", "x"], {});
    expect(exitCode).toBe(1);
    expect(errors).toContain("--namespce");
  });
});

async function runDemo(args: string[], env: Record<string, string>) {
  const startedAtMs = performance.now();
  const { UPSTASH_REDIS_REST_URL: _url, UPSTASH_REDIS_REST_TOKEN: _token, ...inherited } = process.env;
  const child = spawn(process.execPath, ["demo/main.ts", ...args], {
    cwd: ROOT,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const [exitCode] = await once(child, "close");
  return { exitCode, output, errors, durationMs: performance.now() - startedAtMs };
}

/** A scope's row of the final table. */
function outcome(output: string, scope: string) {
  const row = new RegExp(
    `^ *${scope} +\\$([\\d.]+) +\\$([\\d.]+) +\\$([\\d.]+) +\\$([\\d.]+) +\\d+ *(.*)$`,
    "m",
  );
  const [, spent, held, limit, billed, stoppedBy] = row.exec(output) ?? [];
  return {
    spent: Number(spent),
    held: Number(held),
    limit: Number(limit),
    billed: Number(billed),
    stoppedBy,
  };
}

function burstRow(output: string, label: string): string[] {
  const row = output.split("\n").find((line) => line.trimStart().startsWith(`${label}  `));
  return row?.trim().split(/ {2,}/).slice(1) ?? [];
}

function usd(text: string): number {
  return Number(text.replace("$", ""));
}

function micro(amountUsd: number): number {
  return Math.round(amountUsd * 1e6);
}

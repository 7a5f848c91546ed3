/**
 * Runs an example on this machine, with no key and no account:
 * `npx node examples/stand-in.ts node examples/agent-team/research.ts`
 *
 * The model is played here, and this repository's bridge stands in for Upstash. Both are told by the environment variables
 * that the examples read. The ledger is in your Redis: REDIS_URL, if not redis://localhost:6379.
 * With `--own-model` before the command the model is yours: OPENAI_API_KEY or ANTHROPIC_API_KEY as you have set it.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createBridge } from "../src/bridge/server.ts";
import { UsageMeter } from "../src/node.ts";
import { startLocalModel } from "./local-model.ts";

const WRONG_COMMAND_LINE = 2;

const given = process.argv.slice(2);
const ownModel = given[0] === "--own-model";
const [command, ...args] = ownModel ? given.slice(1) : given;
if (command === undefined)
  stop(
    "Which example? npx node examples/stand-in.ts node examples/agent-team/research.ts",
    WRONG_COMMAND_LINE,
  );

const redisUrl = process.env.REDIS_URL ?? "redis://localhost:6379";
await checkRedis();
const token = randomBytes(24).toString("base64url");
const bridge = await createBridge({ redisUrl, token });
const model = await startLocalModel();

const example = spawn(command, args, {
  stdio: "inherit",
  env: {
    ...process.env,
    UPSTASH_REDIS_REST_URL: bridge.url,
    UPSTASH_REDIS_REST_TOKEN: token,
    ...(ownModel ? {} : modelVariables(model.url)),
  },
});
example.on("error", ({ message }) => stop(`The command can't be run: ${message}.`, WRONG_COMMAND_LINE));
// Ctrl-C reaches the example by itself. It ends as it likes, and this after it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => example.kill("SIGTERM"));
const [exitCode] = await once(example, "exit");
model.close();
await bridge.close();
process.exitCode = exitCode ?? 1;

async function checkRedis(): Promise<void> {
  try {
    await using meter = new UsageMeter({ redisUrl, scope: "app:stand-in" });
    await meter.getUsage();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    stop(`Start redis-server, or set REDIS_URL to a Redis that runs. ${message}`, 1);
  }
}

function stop(message: string, exitCode: number): never {
  process.stderr.write(`stand-in: ${message}\n`);
  process.exit(exitCode);
}

function modelVariables(url: string): NodeJS.ProcessEnv {
  return {
    OPENAI_API_KEY: "none",
    OPENAI_BASE_URL: `${url}/v1`,
    ANTHROPIC_API_KEY: "none",
    ANTHROPIC_BASE_URL: url,
  };
}

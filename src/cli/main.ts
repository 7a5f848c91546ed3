/** The `agentlimit` command: runs what its arguments say and exits with 0, 1, 2 or 3. */
import { ExitCode, run } from "@stricli/core";
import { APPLICATION } from "./app.ts";
import { processContext } from "./context.ts";

void main(process.argv.slice(2));

async function main(inputs: string[]): Promise<void> {
  endWithOutput();
  const context = processContext();
  await run(APPLICATION, inputs, context);
  process.exitCode = exitCode(context.process.exitCode);
  // All is said; a connection that takes its time to close must not keep the caller waiting.
  process.stderr.write("", () => {
    process.stdout.write("", (error) => {
      if (error == null) process.exit();
    });
  });
}

const NOT_UNDERSTOOD: readonly unknown[] = [
  ExitCode.UnknownCommand,
  ExitCode.InvalidArgument,
  ExitCode.IntegrationError,
];

/** 2 for a command line that was not understood; whatever went wrong inside is 1. */
function exitCode(code: unknown): number {
  if (NOT_UNDERSTOOD.includes(code)) return 2;
  return typeof code === "number" && code >= 0 ? code : 1;
}

/** `agentlimit models | head` closes the pipe, which is no error; a full disk is. */
function endWithOutput(): void {
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit();
    process.stderr.write(`agentlimit: The output can't be written (${code}).\n`);
    process.exit(1);
  });
}

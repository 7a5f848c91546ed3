/** What a command gets besides its flags: where it writes, whether in colour, and the environment. */
import type { WriteStream } from "node:tty";
import type { CommandContext } from "@stricli/core";
import { hasColor, type Paint, painter } from "./output.ts";

/** `this` of every command. */
export interface CliContext extends CommandContext {
  readonly process: {
    readonly stdout: Terminal;
    readonly stderr: Terminal;
    /** Set by a command that says no without failing, such as 3 for a limit that is reached. */
    exitCode?: number | string | null;
  };
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/** A stream of text that knows whether it takes colour. */
export interface Terminal {
  write(text: string): void;
  readonly paint: Paint;
  /** For stricli: 4 bits where colour is wanted, else 1. */
  getColorDepth(): number;
}

/** The context of this process. Its own streams decide once whether they are coloured. */
export function processContext(): CliContext {
  const { stdout, stderr, env } = process;
  return {
    process: { stdout: terminal(stdout, env), stderr: terminal(stderr, env) },
    environment: env,
  };
}

function terminal(stream: WriteStream, environment: NodeJS.ProcessEnv): Terminal {
  const isColored = hasColor(stream.isTTY === true, environment);
  return {
    write: (text) => void stream.write(text),
    paint: painter(isColored),
    getColorDepth: () => (isColored ? 4 : 1),
  };
}

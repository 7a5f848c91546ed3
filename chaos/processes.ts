/** The processes of callers: started, killed and replaced, and stopped. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type CallerSettings, startCallers, type TransportWrapper } from "./callers.ts";

export interface CallerGroup {
  /** How many operations they have sent so far, as far as is known. */
  operations(): number;
  /** Kills one, wherever it stands, and starts another in its place. */
  killOne(number: number): Promise<void>;
  /** Waits for the errands that are under way. Harmless when they were stopped before. */
  stop(): Promise<void>;
}

/** The settings of one process but for its name. */
export type SharedSettings = Omit<CallerSettings, "name">;

const SCRIPT = fileURLToPath(new URL("./caller-process.ts", import.meta.url));

export function startProcesses(count: number, settings: SharedSettings): CallerGroup {
  const incarnations: number[] = [];
  const sent = new Map<string, number>();
  const start = (number: number): ChildProcess => {
    const incarnation = incarnations[number] ?? 0;
    incarnations[number] = incarnation + 1;
    const child = fork(SCRIPT, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const name = `${number}.${incarnation}`;
    child.send({ ...settings, name });
    child.on("message", (operations: number) => sent.set(name, operations));
    return child;
  };
  const children = Array.from({ length: count }, (_, number) => start(number));
  return {
    operations: () => [...sent.values()].reduce((sum, operations) => sum + operations, 0),
    async killOne(number) {
      const child = children[number % count];
      if (child === undefined) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
      children[number % count] = start(number % count);
    },
    async stop() {
      const running = children.filter((child) => child.connected);
      const exits = running.map((child) => once(child, "exit"));
      for (const child of running) child.send("stop");
      await Promise.all(exits);
    },
  };
}

/** The same callers in this process, where none can be killed, over a transport that may be broken on purpose. */
export function startInThisProcess(
  count: number,
  settings: SharedSettings,
  wrap: TransportWrapper,
): CallerGroup {
  const groups = Array.from({ length: count }, (_, number) =>
    startCallers({ ...settings, name: `${number}.0` }, wrap),
  );
  return {
    operations: () => groups.reduce((sum, group) => sum + group.operations(), 0),
    async killOne() {},
    async stop() {
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}

/** What a Redis says of its own work: processor time, time inside scripts, and how many commands it executed. */
import type { Redis } from "ioredis";

export interface ServerReading {
  /** Of the thread that executes commands, user and system. */
  cpuMicros: number;
  /** Inside EVALSHA and EVAL. */
  scriptMicros: number;
  /** All commands, those inside scripts counted; not INFO and CONFIG, which are the observer's. */
  commands: number;
}

export async function readServer(observer: Redis): Promise<ServerReading> {
  const cpu = await observer.info("cpu");
  const commands = [
    ...(await observer.info("commandstats")).matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm),
  ];
  const scripts = commands.filter(([, name]) => name === "evalsha" || name === "eval");
  const counted = commands.filter(([, name = ""]) => !/^(info|config)/.test(name));
  return {
    cpuMicros:
      (secondsIn(cpu, "used_cpu_sys_main_thread") + secondsIn(cpu, "used_cpu_user_main_thread")) * 1e6,
    scriptMicros: scripts.reduce((sum, [, , , micros]) => sum + Number(micros), 0),
    commands: counted.reduce((sum, [, , calls]) => sum + Number(calls), 0),
  };
}

function secondsIn(info: string, field: string): number {
  const value = new RegExp(`^${field}:([\\d.]+)`, "m").exec(info)?.[1];
  if (value === undefined) throw new Error(`This Redis does not tell ${field}.`);
  return Number(value);
}

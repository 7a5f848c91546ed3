/** Calls per second and script time on a ledger that has grown, beside one with a single agent, in turn. */
import { readServer } from "../server-reading.ts";
import { median, type Spread, spread } from "../statistics.ts";
import {
  type Filled,
  fillAgents,
  fillClosedCalls,
  fillDueAtOnce,
  fillDueOverADay,
  fillHistory,
  fillHolds,
} from "./fillings.ts";
import { type LedgerServer, reserve, settle, startLedgerServer } from "./ledger-server.ts";
import { readScriptTimes, resetScriptTimes, type ScriptTimes } from "./script-times.ts";

export interface GrowthOptions {
  agents: number;
  holds: number;
  days: number;
  rounds: number;
  roundMs: number;
  tell: (text: string) => void;
}

export interface Growth {
  /** What the ledger has grown by. */
  what: string;
  fillSeconds: number;
  /** Whole calls per second, reserve and settle: with a single agent, grown, and the first over the second. */
  single: Spread;
  grown: Spread;
  slowdown: Spread;
  /** Microseconds of the server's processor for one call, which other processes disturb less than the rates. */
  serverMicros: { single: number; grown: number };
  /** Of the grown ledger: while it was filled, of the first call after that, and of all measured calls. */
  filling: ScriptTimes;
  firstCallMicros: number;
  measured: ScriptTimes;
  /** Of the measured calls on the other one: what this machine does to them. */
  measuredSingle: ScriptTimes;
  bytesEach: Record<string, number>;
}

const CALLERS = 4;

export async function measureGrowth(options: GrowthOptions): Promise<Growth[]> {
  const { agents, holds, days, tell } = options;
  const fillings: [string, (server: LedgerServer) => Promise<Filled>][] = [
    [`${whole(agents)} agents`, (server) => fillAgents(server, agents)],
    [`${whole(holds)} live holds of one agent`, (server) => fillHolds(server, holds)],
    [`${whole(holds)} closed calls of one agent`, (server) => fillClosedCalls(server, holds)],
    [`${whole(days)} days of one agent's history`, (server) => fillHistory(server, days)],
    [`${whole(holds)} holds due at once, of one minute`, (server) => fillDueAtOnce(server, holds)],
    [`${whole(holds)} holds due at once, of 26 hours`, (server) => fillDueOverADay(server, holds)],
  ];
  const growths: Growth[] = [];
  for (const [what, fill] of fillings) {
    const [single, grown] = await Promise.all([startLedgerServer(CALLERS), startLedgerServer(CALLERS)]);
    try {
      tell(`${what}: filling`);
      growths.push(await compareGrown(what, { single, grown, fill }, options));
    } finally {
      await Promise.all([single.close(), grown.close()]);
    }
  }
  return growths;
}

interface Servers {
  single: LedgerServer;
  grown: LedgerServer;
  fill: (server: LedgerServer) => Promise<Filled>;
}

async function compareGrown(
  what: string,
  { single, grown, fill }: Servers,
  { rounds, roundMs }: GrowthOptions,
): Promise<Growth> {
  const startMs = performance.now();
  const { scope: singleScope } = await fillAgents(single, 1);
  await callOnce(grown, "agent:another");
  await resetScriptTimes(grown.observer);
  const { scope, bytesEach } = await fill(grown);
  const filling = await readScriptTimes(grown.observer);
  const fillSeconds = (performance.now() - startMs) / 1000;

  const firstCallMicros = await longestScriptOf(grown, scope());
  await Promise.all([resetScriptTimes(single.observer), resetScriptTimes(grown.observer)]);
  const paces: { single: Pace; grown: Pace }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const measureSingle = () => paceOf(single, singleScope, roundMs);
    const measureGrown = () => paceOf(grown, scope, roundMs);
    if (round % 2 === 0) {
      paces.push({ single: await measureSingle(), grown: await measureGrown() });
    } else {
      const pace = await measureGrown();
      paces.push({ single: await measureSingle(), grown: pace });
    }
  }
  return {
    what,
    fillSeconds,
    single: spread(paces.map((pace) => pace.single.callsPerSecond)),
    grown: spread(paces.map((pace) => pace.grown.callsPerSecond)),
    slowdown: spread(paces.map((pace) => pace.single.callsPerSecond / pace.grown.callsPerSecond)),
    serverMicros: {
      single: median(paces.map((pace) => pace.single.serverMicros)),
      grown: median(paces.map((pace) => pace.grown.serverMicros)),
    },
    filling,
    firstCallMicros,
    measured: await readScriptTimes(grown.observer),
    measuredSingle: await readScriptTimes(single.observer),
    bytesEach,
  };
}

interface Pace {
  callsPerSecond: number;
  serverMicros: number;
}

async function longestScriptOf(server: LedgerServer, scope: string): Promise<number> {
  await resetScriptTimes(server.observer);
  await callOnce(server, scope);
  return (await readScriptTimes(server.observer)).longest;
}

/** The first one also loads the scripts. */
async function callOnce({ callers }: LedgerServer, scope: string): Promise<void> {
  const [store] = callers;
  if (store === undefined) throw new RangeError("A server without callers.");
  await settle(store, scope, await reserve(store, scope, 600));
}

async function paceOf(
  { callers, observer }: LedgerServer,
  scopeOf: () => string,
  roundMs: number,
): Promise<Pace> {
  const before = await readServer(observer);
  const startMs = performance.now();
  let calls = 0;
  const caller = async (store: LedgerServer["store"]) => {
    while (performance.now() < startMs + roundMs) {
      const scope = scopeOf();
      await settle(store, scope, await reserve(store, scope, 600));
      calls += 1;
    }
  };
  await Promise.all(callers.map(caller));
  const callsPerSecond = calls / ((performance.now() - startMs) / 1000);
  const after = await readServer(observer);
  return { callsPerSecond, serverMicros: (after.cpuMicros - before.cpuMicros) / calls };
}

const whole = (value: number): string => value.toLocaleString("en");

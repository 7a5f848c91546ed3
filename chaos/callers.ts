/** The callers of one process: each runs errand after errand, over TCP and over REST. */
import { redisStore } from "../src/redis/redis-store.ts";
import { type RestAddress, restTransport } from "../src/redis/rest.ts";
import { tcpTransport } from "../src/redis/tcp.ts";
import type { ScriptTransport } from "../src/redis/transport.ts";
import { type ClockSettings, ledgerClock } from "./clock.ts";
import { type LateHold, runErrand } from "./errands.ts";
import { journalWriter } from "./journal.ts";
import { JournaledStore } from "./journaled-store.ts";
import { randomOf } from "./random.ts";

export interface CallerSettings {
  seed: number;
  /** The process: `<number>.<incarnation>`. */
  name: string;
  callers: number;
  namespace: string;
  clock: ClockSettings;
  journalFolder: string;
  redisUrl: string;
  rest: RestAddress;
}

/** After this a caller gives up on an operation. */
export const STORE_TIMEOUT_MS = 500;
/** So many callers share a connection: what holds up one of them holds up the others. */
const CALLERS_PER_CONNECTION = 2;
const ERRANDS_PER_YOUNG_SCOPE = 40;

export interface Callers {
  /** How many operations they have sent so far. */
  operations(): number;
  /** Ends the errands that are under way and begins no other. */
  stop(): Promise<void>;
}

/** Puts something between a store and what carries its scripts. */
export type TransportWrapper = (transport: ScriptTransport) => ScriptTransport;

export function startCallers(settings: CallerSettings, wrap: TransportWrapper = (same) => same): Callers {
  const { seed, name, namespace } = settings;
  const journal = journalWriter(settings.journalFolder, name);
  const clock = ledgerClock(settings.clock);
  const late: LateHold[] = [];
  const transports: ScriptTransport[] = [];
  let isRunning = true;

  const storeOver = (transport: ScriptTransport): JournaledStore => {
    const wrapped = wrap(transport);
    transports.push(wrapped);
    return new JournaledStore({ store: redisStore(wrapped, { localClock: clock }), journal, namespace });
  };
  const options = { storeTimeoutMs: STORE_TIMEOUT_MS };
  const overRest = storeOver(restTransport(settings.rest, options));
  const overTcp = Array.from({ length: Math.ceil(settings.callers / CALLERS_PER_CONNECTION) }, () =>
    storeOver(tcpTransport(settings.redisUrl, options)),
  );

  const runCaller = async (caller: number): Promise<void> => {
    const tcp = overTcp[Math.floor(caller / CALLERS_PER_CONNECTION)] ?? overRest;
    for (let number = 0; isRunning; number++) {
      const errandName = `${name}.${caller}.${number}`;
      const random = randomOf(seed, "errand", errandName);
      const [store, otherStore] = random.chance(0.5) ? [tcp, overRest] : [overRest, tcp];
      const youngScope = `run:${name}.${Math.floor(number / ERRANDS_PER_YOUNG_SCOPE)}`;
      await runErrand({ name: errandName, random, store, otherStore, clock, late, youngScope });
    }
  };
  const ended = Promise.all(Array.from({ length: settings.callers }, (_, caller) => runCaller(caller)));
  return {
    operations: () => journal.count(),
    async stop() {
      isRunning = false;
      await ended;
      await Promise.all(transports.map((transport) => transport.close?.()));
    },
  };
}

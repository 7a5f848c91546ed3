/** One run of chaos: servers, proxies, callers and faults; then a last look at every account, and the check. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createBridge } from "../src/bridge/server.ts";
import { redisStore } from "../src/redis/redis-store.ts";
import type { RestAddress } from "../src/redis/rest.ts";
import { tcpTransport } from "../src/redis/tcp.ts";
import { STANDING_SCOPES } from "./budgets.ts";
import type { TransportWrapper } from "./callers.ts";
import { check } from "./check/index.ts";
import { type ClockSettings, ledgerClock } from "./clock.ts";
import { journalWriter, readJournals } from "./journal.ts";
import { JournaledStore } from "./journaled-store.ts";
import { readLedger } from "./ledger-state.ts";
import { NetworkFaults } from "./network-faults.ts";
import { type CallerGroup, type SharedSettings, startInThisProcess, startProcesses } from "./processes.ts";
import { type ChaosReport, faultFinder, reportOf } from "./report.ts";
import { startRestProxy } from "./rest-proxy.ts";
import { DurableRedis, SERVER_FAULTS, ServerFaults } from "./server-faults.ts";
import { startTcpProxy } from "./tcp-proxy.ts";

export interface ChaosOptions {
  /** Decides on every errand and every fault. */
  seed: number;
  /** Callers go on for so long at least, and until they have sent so many operations. */
  seconds: number;
  operations: number;
  processes: number;
  callersPerProcess: number;
  /** Told twice a second. */
  onProgress?: ((progress: ChaosProgress) => void) | undefined;
  /** Puts something between the stores and their transports; the callers then run in this process, and none is killed. */
  wrapTransport?: TransportWrapper | undefined;
}

export interface ChaosProgress {
  seconds: number;
  operations: number;
  networkFaults: number;
  serverFaults: number;
}

const NAMESPACE = "chaos";
/** Beyond the expiry of every hold. */
const LAST_LOOK_AFTER_MS = 20 * 60_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed } = options;
  const folder = mkdtempSync(join(tmpdir(), "agentlimit-chaos-"));
  const journalFolder = join(folder, "journals");
  mkdirSync(journalFolder);
  let isExact = false;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => {
    if (isExact) rmSync(folder, { recursive: true });
  });
  const redis = await DurableRedis.start(folder);
  cleanup.defer(() => redis.stop());
  const clock: ClockSettings = { startedAtMs: Date.now() };
  await visitAccounts(redis.url, { folder: journalFolder, name: "first" }, ledgerClock(clock));

  const faults = new NetworkFaults(seed);
  const network = await startNetwork(redis, faults, cleanup);
  const { redisUrl, rest } = network;
  const shared = { seed, callers: options.callersPerProcess, namespace: NAMESPACE };
  const callers = startGroup(options, { ...shared, clock, journalFolder, redisUrl, rest });
  cleanup.defer(() => callers.stop());
  const isKillable = options.wrapTransport === undefined;
  const kinds = SERVER_FAULTS.filter((kind) => kind !== "callerKilled" || isKillable);
  const server = new ServerFaults({ seed, redis, callers, kinds });
  const seconds = await watch(options, { callers, faults, server });
  await server.stop();
  await callers.stop();
  await network.idle();

  const lastLookMs = ledgerClock(clock)() + LAST_LOOK_AFTER_MS;
  await visitAccounts(redis.url, { folder: journalFolder, name: "last" }, () => lastLookMs);
  const operations = readJournals(journalFolder);
  const isFaulted = faultFinder([...faults.done, ...faults.alongside], server.done);
  const state = await readLedger(redis.url, NAMESPACE);
  const contradictions = check({ operations, state, isFaulted });
  isExact = contradictions.length === 0;
  const done = { networkFaults: faults.done, serverFaults: server.done };
  const found = { accounts: state.accounts.size, contradictions, journalFolder };
  return reportOf({ seed, seconds, operations, isFaulted, ...done, ...found });
}

interface Network {
  /** Where callers reach Redis, and where the bridge in front of it: each through a proxy. */
  redisUrl: string;
  rest: RestAddress;
  /** Resolves when the proxies have nothing more to deliver. */
  idle(): Promise<void>;
}

async function startNetwork(
  redis: DurableRedis,
  faults: NetworkFaults,
  cleanup: AsyncDisposableStack,
): Promise<Network> {
  const token = randomBytes(24).toString("base64url");
  // Any script, since planted bugs stand in scripts of their own.
  const bridge = await createBridge({ redisUrl: redis.url, token, allow: ["EVAL", "EVALSHA"] });
  cleanup.defer(() => bridge.close());
  const tcpProxy = await startTcpProxy(redis.port, faults);
  cleanup.defer(() => tcpProxy.close());
  const restProxy = await startRestProxy(bridge.url, faults);
  cleanup.defer(() => restProxy.close());
  return {
    redisUrl: `redis://127.0.0.1:${tcpProxy.port}`,
    rest: { url: `http://127.0.0.1:${restProxy.port}`, token },
    idle: async () => {
      await Promise.all([tcpProxy.idle(), restProxy.idle()]);
    },
  };
}

function startGroup(options: ChaosOptions, settings: SharedSettings): CallerGroup {
  if (options.wrapTransport === undefined) return startProcesses(options.processes, settings);
  return startInThisProcess(options.processes, settings, options.wrapTransport);
}

interface Running {
  callers: CallerGroup;
  faults: NetworkFaults;
  server: ServerFaults;
}

/** @returns the seconds for which callers have gone on. */
async function watch(options: ChaosOptions, { callers, faults, server }: Running): Promise<number> {
  const startedAtMs = performance.now();
  for (;;) {
    await delay(Math.min(500, options.seconds * 1000));
    const seconds = (performance.now() - startedAtMs) / 1000;
    const operations = callers.operations();
    const [networkFaults, serverFaults] = [faults.done.length, server.done.length];
    options.onProgress?.({ seconds, operations, networkFaults, serverFaults });
    if (seconds >= options.seconds && operations >= options.operations) return seconds;
  }
}

/**
 * Records once in every account that a journal names, with no fault on the way: at first so that all windows stand
 * from the start, at last so that what has expired is moved into what is settled.
 */
async function visitAccounts(
  redisUrl: string,
  { folder, name }: { folder: string; name: string },
  clock: () => number,
): Promise<void> {
  const named = readJournals(folder).flatMap(({ sent }) => sent.scopes);
  const scopes = new Set([...STANDING_SCOPES, ...named]);
  const store = redisStore(tcpTransport(redisUrl), { localClock: clock });
  const journaled = new JournaledStore({ store, journal: journalWriter(folder, name), namespace: NAMESPACE });
  for (const scope of scopes) {
    // What fails is in the journal, and contradicts.
    await journaled.send({
      kind: "record",
      id: `${name}:${scope}`,
      scopes: [scope],
      hash: "record",
      limits: "sent",
      actual: [1, 1, 1],
      model: "-",
      tokenKinds: [],
    });
  }
  await store.close?.();
}

/** One run of chaos: servers, proxies, callers and faults; then a last look at every account, and the check. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createBridge } from "../src/bridge/server.ts";
import { redisStore } from "../src/redis/redis-store.ts";
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
  const folder = mkdtempSync(join(tmpdir(), "agentlimit-chaos-"));
  const journalFolder = join(folder, "journals");
  mkdirSync(journalFolder);
  const clock: ClockSettings = { startedAtMs: Date.now() };
  await using cleanup = new AsyncDisposableStack();
  const redis = await DurableRedis.start(folder);
  cleanup.defer(() => redis.stop());

  await visitAccounts(redis.url, { folder: journalFolder, name: "first" }, ledgerClock(clock));
  const network = new NetworkFaults(options.seed);
  const token = randomBytes(24).toString("base64url");
  const bridge = await createBridge({ redisUrl: redis.url, token });
  cleanup.defer(() => bridge.close());
  const tcpProxy = await startTcpProxy(redis.port, network);
  cleanup.defer(() => tcpProxy.close());
  const restProxy = await startRestProxy(bridge.url, network);
  cleanup.defer(() => restProxy.close());

  const settings: SharedSettings = {
    seed: options.seed,
    callers: options.callersPerProcess,
    namespace: NAMESPACE,
    clock,
    journalFolder,
    redisUrl: `redis://127.0.0.1:${tcpProxy.port}`,
    rest: { url: `http://127.0.0.1:${restProxy.port}`, token },
  };
  const callers = startGroup(options, settings);
  cleanup.defer(() => callers.stop());
  const server = new ServerFaults({
    seed: options.seed,
    redis,
    callers,
    kinds: SERVER_FAULTS.filter((kind) => kind !== "callerKilled" || options.wrapTransport === undefined),
  });
  const startedAtMs = Date.now();
  await watch(options, { callers, network, server });
  await server.stop();
  await callers.stop();
  const seconds = (Date.now() - startedAtMs) / 1000;
  await Promise.all([tcpProxy.idle(), restProxy.idle()]);

  const lastLook = ledgerClock(clock)() + LAST_LOOK_AFTER_MS;
  await visitAccounts(redis.url, { folder: journalFolder, name: "last" }, () => lastLook);
  const operations = readJournals(journalFolder);
  const isFaulted = faultFinder(network.done, server.done);
  const state = await readLedger(redis.url, NAMESPACE);
  const contradictions = check({ operations, state, isFaulted });
  if (contradictions.length === 0) cleanup.defer(() => rmSync(folder, { recursive: true }));
  return reportOf({
    seed: options.seed,
    seconds,
    operations,
    isFaulted,
    networkFaults: network.done,
    serverFaults: server.done,
    accounts: state.accounts.size,
    contradictions,
    journalFolder,
  });
}

function startGroup(options: ChaosOptions, settings: SharedSettings): CallerGroup {
  if (options.wrapTransport === undefined) return startProcesses(options.processes, settings);
  return startInThisProcess(options.processes, settings, options.wrapTransport);
}

interface Running {
  callers: CallerGroup;
  network: NetworkFaults;
  server: ServerFaults;
}

async function watch(options: ChaosOptions, { callers, network, server }: Running): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    await delay(Math.min(500, options.seconds * 1000));
    const seconds = (performance.now() - startedAtMs) / 1000;
    const operations = callers.operations();
    const [networkFaults, serverFaults] = [network.done.length, server.done.length];
    options.onProgress?.({ seconds, operations, networkFaults, serverFaults });
    if (seconds >= options.seconds && operations >= options.operations) return;
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

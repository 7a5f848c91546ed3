/** A Worker that guards calls to a provider, and hands the answer on as it comes; `/raw` in front of a path leaves the guard out. */
import { type MeterOptions, memoryStore, UsageMeter } from "../../src/index.ts";

interface Env {
  UPSTREAM_URL: string;
  /** The ledger; left out: in memory, and gone with the Worker. */
  REST_URL?: string;
  REST_TOKEN?: string;
  NAMESPACE?: string;
}

interface Context {
  waitUntil(work: Promise<unknown>): void;
}

let memory: MeterOptions["store"];

export default {
  async fetch(request: Request, env: Env, context: Context): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (request.method !== "POST") return new Response("Ready");
    const call = { method: "POST", body: await request.text() };
    if (pathname.startsWith("/raw/")) return fetch(`${env.UPSTREAM_URL}${pathname.slice(4)}${search}`, call);
    const meter = new UsageMeter({
      scope: "worker",
      monthlyBudgetUsd: 1_000_000,
      waitUntil: (work) => context.waitUntil(work),
      ...ledgerOf(env),
    });
    return meter.fetch(`${env.UPSTREAM_URL}${pathname}${search}`, call);
  },
};

function ledgerOf({ REST_URL, REST_TOKEN, NAMESPACE }: Env): MeterOptions {
  if (REST_URL === undefined || REST_TOKEN === undefined || NAMESPACE === undefined) {
    memory ??= memoryStore();
    return { store: memory };
  }
  return { redis: { url: REST_URL, token: REST_TOKEN }, namespace: NAMESPACE };
}

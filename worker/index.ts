/** The Worker: the admin API over Upstash's REST protocol. */
import type { ExecutionContext } from "hono";
import { discardRest } from "../src/admin/body.ts";
import { type AdminApp, adminApp } from "../src/admin/index.ts";
import { notConfiguredResponse } from "../src/admin/problem.ts";
import { InvalidOptionsError } from "../src/errors.ts";
import { redisStore } from "../src/redis/redis-store.ts";
import { restTransport } from "../src/redis/rest.ts";
import { readSettings, type WorkerEnvironment, type WorkerSettings } from "./config.ts";

/**
 * Three times the library's own: a burst on a fresh isolate may take a second to get through, and its callers, who wait
 * for an answer over HTTP anyway, are better served by a late decision than by none.
 */
const STORE_TIMEOUT_MS = 3000;

/** One app for all requests of an isolate, as long as its settings are the same. */
let running: { settings: string; app: AdminApp } | undefined;

export default {
  async fetch(
    request: Request,
    environment: WorkerEnvironment,
    context: ExecutionContext,
  ): Promise<Response> {
    let app: AdminApp;
    try {
      app = appOf(readSettings(environment));
    } catch (error) {
      if (!(error instanceof InvalidOptionsError)) throw error;
      await discardRest(request);
      return notConfiguredResponse(error.message);
    }
    return app.fetch(request, environment, context);
  },
};

function appOf(settings: WorkerSettings): AdminApp {
  const key = JSON.stringify(settings);
  if (running?.settings !== key) running = { settings: key, app: newApp(settings) };
  return running.app;
}

/** @throws InvalidOptionsError naming the setting that is not usable; its value is not repeated. */
function newApp({ redisUrl, redisToken, ownerToken }: WorkerSettings): AdminApp {
  const transport = naming("UPSTASH_REDIS_REST_URL or UPSTASH_REDIS_REST_TOKEN", () =>
    restTransport({ url: redisUrl, token: redisToken }, { storeTimeoutMs: STORE_TIMEOUT_MS }),
  );
  return naming("AGENTLIMIT_OWNER_TOKEN", () =>
    adminApp({ store: redisStore(transport), ownerToken, onUnexpectedError: logWithoutMessage }),
  );
}

function naming<T>(settings: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    throw new InvalidOptionsError(`${settings} is not usable: ${error.message}`);
  }
}

/** Where it happened. Not its message: that may repeat what a caller or a setting said. */
function logWithoutMessage(error: unknown): void {
  const isError = error instanceof Error;
  const frames = isError ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  console.error([`Unexpected ${isError ? error.name : typeof error}`, ...frames].join("\n"));
}

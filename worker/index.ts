/** The Worker: the admin API over Upstash's REST protocol. */
import type { ExecutionContext } from "hono";
import { type AdminApp, adminApp } from "../src/admin/index.ts";
import { notConfiguredResponse } from "../src/admin/problem.ts";
import { InvalidOptionsError } from "../src/errors.ts";
import { redisStore } from "../src/redis/redis-store.ts";
import { restTransport } from "../src/redis/rest.ts";
import { readSettings, type WorkerEnvironment, type WorkerSettings } from "./config.ts";

/** One app for all requests of an isolate, as long as its settings are the same. */
let running: { settings: string; app: AdminApp } | undefined;

export default {
  fetch(
    request: Request,
    environment: WorkerEnvironment,
    context: ExecutionContext,
  ): Response | Promise<Response> {
    let app: AdminApp;
    try {
      app = appOf(readSettings(environment));
    } catch (error) {
      if (error instanceof InvalidOptionsError) return notConfiguredResponse(error.message);
      throw error;
    }
    return app.fetch(request, environment, context);
  },
};

function appOf(settings: WorkerSettings): AdminApp {
  const key = JSON.stringify(settings);
  if (running?.settings !== key) running = { settings: key, app: newApp(settings) };
  return running.app;
}

/** @throws InvalidOptionsError for an address or a token that is not usable; neither is repeated. */
function newApp({ redisUrl, redisToken, ownerToken }: WorkerSettings): AdminApp {
  const store = redisStore(restTransport({ url: redisUrl, token: redisToken }));
  return adminApp({ store, ownerToken, onUnexpectedError: logWithoutMessage });
}

/** Where it happened. Not its message: that may repeat what a caller or a setting said. */
function logWithoutMessage(error: unknown): void {
  const isError = error instanceof Error;
  const frames = isError ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  console.error([`Unexpected ${isError ? error.name : typeof error}`, ...frames].join("\n"));
}

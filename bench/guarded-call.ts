/** One metered fetch to a provider, and when the store is asked: counted at the socket. */
import diagnostics from "node:diagnostics_channel";
import { startUpstream } from "../test/support/upstream.ts";
import { meterChain } from "./contenders/meter.ts";

export interface GuardedCall {
  /** Requests to the store before the provider is asked, and after it has answered. */
  before: number;
  after: number;
  /** The caller had its answer before the store had answered the settle. */
  isAfterOffThePath: boolean;
}

/** A warm call of three scopes over REST, with `waitUntil` as edge runtimes have it. */
export async function watchGuardedCall(rest: { url: string; token: string }): Promise<GuardedCall> {
  const upstream = await startUpstream();
  const { leaf, root } = meterChain({ redis: rest, waitUntil: () => {} }, 3);
  try {
    await call(leaf.fetch, upstream.url);
    await root.flush();
    return await watched(rest.url, async () => {
      await call(leaf.fetch, upstream.url);
      return () => root.flush();
    });
  } finally {
    await root.close();
    await upstream.close();
  }
}

async function call(fetch: typeof globalThis.fetch, url: string): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "gpt-4o-mini",
      max_completion_tokens: 100,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  if (!response.ok) throw new Error(`The provider answered ${response.status}.`);
  await response.json();
}

async function watched(storeUrl: string, run: () => Promise<() => Promise<void>>): Promise<GuardedCall> {
  const asked: ("store" | "provider")[] = [];
  let storeAnswers = 0;
  const onRequest = (message: unknown) => {
    asked.push(originOf(message) === storeUrl ? "store" : "provider");
  };
  const onAnswer = (message: unknown) => {
    if (originOf(message) === storeUrl) storeAnswers += 1;
  };
  diagnostics.subscribe("undici:request:create", onRequest);
  diagnostics.subscribe("undici:request:headers", onAnswer);
  const flush = await run();
  const answersAtReturn = storeAnswers;
  await flush();
  diagnostics.unsubscribe("undici:request:create", onRequest);
  diagnostics.unsubscribe("undici:request:headers", onAnswer);
  const before = asked.indexOf("provider");
  const after = asked.length - before - 1;
  return { before, after, isAfterOffThePath: answersAtReturn === before };
}

function originOf(message: unknown): string {
  const request = field(message, "request");
  const origin = field(request, "origin");
  return typeof origin === "string" || origin instanceof URL ? new URL(origin).origin : "";
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

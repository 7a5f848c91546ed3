/** What a meter makes of its runtime's own fetch, streams, signals and timers; over each store. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { AlertEvent, MeterEvent, MeterOptions } from "../../src/index.ts";
import { UsageMeter } from "../../src/meter.ts";
import { type Bench, promise, type StoreCase } from "../ledger/cases/bench.ts";

/** 7 input and 3 output tokens of gpt-4o-mini. */
const CALL_NANO_USD = 7 * 150 + 3 * 600;

/** @param upstreamUrl a server that speaks OpenAI's API, as runtime.suite.ts starts it. */
export function meterCases(upstreamUrl: string): StoreCase[] {
  return promise("a meter works with what this runtime brings", {
    "holds a call, settles it, and says what is spent": async (bench) => {
      const { meter } = meterOn(bench);
      const hold = await meter.reserve({ estimatedCostUsd: "0.25" });
      deepEqual(await spentAndHeld(meter), [0, 0.25]);
      const receipt = await hold.settle({ costUsd: "0.1" });
      equal(receipt.costNanoUsd, 100_000_000);
      deepEqual(await spentAndHeld(meter), [0.1, 0]);
    },
    "denies what does not fit, and says the numbers": async (bench) => {
      const { meter } = meterOn(bench);
      await meter.record({ costUsd: "0.99" });
      await rejects(meter.reserve({ estimatedCostUsd: "0.05" }), {
        code: "BUDGET_EXCEEDED",
        message:
          /has spent \$0\.99 of its \$1\.00 month \(resets 2026-12-01T00:00Z\); this call needs \$0\.05/,
      });
    },
    "alerts once at a threshold": async (bench) => {
      const alerts: AlertEvent[] = [];
      const { meter } = meterOn(bench, {
        alertThresholds: [0.5],
        onAlert: (event) => void alerts.push(event),
      });
      await Promise.all([1, 2, 3].map(() => meter.record({ costUsd: "0.3" })));
      await meter.flush();
      deepEqual(
        alerts.map(({ threshold }) => threshold),
        [0.5],
      );
    },
    "lets a call wait for a hold in its way": async (bench) => {
      const { meter } = meterOn(bench, { waitMs: 5_000 });
      const first = await meter.reserve({ estimatedCostUsd: 1 });
      const second = meter.reserve({ estimatedCostUsd: "0.5" });
      await first.release();
      await (await second).release();
      deepEqual(await spentAndHeld(meter), [0, 0]);
    },
    "sends a held call, and books what its answer used": async (bench) => {
      const { meter, events } = meterOn(bench);
      const answer: unknown = await (await chat(meter, `${upstreamUrl}/v1`)).json();
      ok(JSON.stringify(answer).includes("One two thrée"));
      await meter.flush();
      deepEqual(await spentAndHeld(meter), [CALL_NANO_USD / 1e9, 0]);
      deepEqual(sourcesOf(events), ["reported"]);
    },
    "passes a stream on piece by piece, and books what it used": async (bench) => {
      const { meter, events } = meterOn(bench);
      const pieces = await piecesOf(await chat(meter, `${upstreamUrl}/slow/v1`, { stream: true }));
      ok(pieces.length > 1);
      for (const word of ["One", "two", "thrée", "[DONE]"]) ok(pieces.join("").includes(word));
      await meter.flush();
      deepEqual(await spentAndHeld(meter), [CALL_NANO_USD / 1e9, 0]);
      deepEqual(sourcesOf(events), ["reported"]);
    },
    "sends nothing that is denied": async (bench) => {
      let sent = 0;
      const counting: typeof fetch = (input, init) => {
        sent += 1;
        return fetch(input, init);
      };
      const { meter } = meterOn(bench, { fetch: counting });
      await (await chat(meter, `${upstreamUrl}/v1`)).text();
      await meter.flush();
      await meter.record({ costUsd: "0.999997" });
      equal(sent, 1);
      await rejects(chat(meter, `${upstreamUrl}/v1`), { code: "BUDGET_EXCEEDED" });
      equal(sent, 1);
    },
    "books a stream that its caller gives up, at the estimate": async (bench) => {
      const { meter, events } = meterOn(bench);
      const caller = new AbortController();
      const response = await chat(meter, `${upstreamUrl}/slow/v1`, { stream: true, signal: caller.signal });
      const reader = response.body?.getReader();
      ok(reader);
      await reader.read();
      caller.abort();
      await rejects(readToEnd(reader), { name: "AbortError" });
      await expectEstimated(meter, events);
    },
    "books a stream that its caller cancels, at the estimate": async (bench) => {
      const { meter, events } = meterOn(bench);
      const response = await chat(meter, `${upstreamUrl}/slow/v1`, { stream: true });
      const reader = response.body?.getReader();
      ok(reader);
      await reader.read();
      await reader.cancel();
      await expectEstimated(meter, events);
    },
    "books a call whose connection breaks, at the estimate": async (bench) => {
      const { meter, events } = meterOn(bench);
      await rejects(chat(meter, `${upstreamUrl}/cut/v1`), { name: "TypeError" });
      await expectEstimated(meter, events);
    },
  });
}

function meterOn({ store, namespace }: Bench, options: Partial<MeterOptions> = {}) {
  const events: MeterEvent[] = [];
  const onEvent = (event: MeterEvent) => void events.push(event);
  const meter = new UsageMeter({
    store,
    namespace,
    agentId: "a",
    monthlyBudgetUsd: 1,
    onEvent,
    ...options,
  });
  return { meter, events };
}

async function spentAndHeld(meter: UsageMeter): Promise<[number, number]> {
  const { usdSpent, usdHeld } = await meter.getUsage();
  return [usdSpent, usdHeld];
}

function sourcesOf(events: MeterEvent[]): string[] {
  return events.flatMap((event) => (event.receipt === undefined ? [] : [event.receipt.source]));
}

async function expectEstimated(meter: UsageMeter, events: MeterEvent[]): Promise<void> {
  await meter.flush();
  const [spent, held] = await spentAndHeld(meter);
  ok(spent > 0);
  equal(held, 0);
  deepEqual(sourcesOf(events), ["estimated"]);
}

/** A chat call of gpt-4o-mini that is held at less than a cent. */
export function chat(
  meter: UsageMeter,
  baseUrl: string,
  { stream = false, signal }: { stream?: boolean; signal?: AbortSignal } = {},
): Promise<Response> {
  return meter.fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer test-key" },
    body: JSON.stringify({
      model: "gpt-4o-mini",
      max_completion_tokens: 100,
      service_tier: "default",
      stream,
      messages: [{ role: "user", content: "hello" }],
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function piecesOf(response: Response): Promise<string[]> {
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  ok(reader);
  const pieces: string[] = [];
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    pieces.push(decoder.decode(step.value, { stream: true }));
  }
  return pieces;
}

async function readToEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

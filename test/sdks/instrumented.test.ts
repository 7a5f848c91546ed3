/** Clients that a meter was put under after they were made. */
import OpenAI from "openai";
import { workloadIdentity } from "openai/auth/x509-transport";
import { bedrock } from "openai/providers/bedrock";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  AgentLimitError,
  BudgetExceededError,
  InvalidOptionsError,
  type MeterEvent,
  type MeterOptions,
  memoryStore,
  UsageMeter,
} from "../../src/index.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import { failure } from "../support/outcomes.ts";
import { type Bench, startBench } from "./bench.ts";
import { INSTRUMENTABLE, type Method } from "./instrumentable.ts";
import type { Fetch } from "./sdk.ts";

let bench: Bench;
let events: MeterEvent[];
beforeEach(async () => {
  bench = await startBench();
  events = [];
  // A copy that AzureOpenAI 6 makes of itself knows its version from here alone.
  vi.stubEnv("OPENAI_API_VERSION", "2024-10-21");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
});

const newMeter = (options: Partial<MeterOptions> = {}) =>
  new UsageMeter({
    store: memoryStore(),
    agentId: "instrumented",
    // Azure's deployments are named at will.
    models: { "gpt-4o-mini": "gpt-4o-mini" },
    onEvent: (event) => void events.push(event),
    ...options,
  });
const poor = () => newMeter({ monthlyBudgetUsd: "0.000001" });

describe.each(INSTRUMENTABLE)("$name, instrumented,", ({ make, instrument, root }) => {
  /** A client of the upstream under a meter. */
  const metered = (meter: UsageMeter, fetch: Fetch = bench.network) => {
    const handle = make(fetch);
    expect(instrument(meter, handle.client)).toBe(handle.client);
    return handle;
  };
  const settles = async (meter: UsageMeter) => {
    await meter.flush();
    return events.filter((event) => event.type === "settled").length;
  };

  it("is the same client, and calls the fetch that it had", async () => {
    const meter = newMeter();
    let calls = 0;
    const handle = metered(meter, (...request) => {
      calls += 1;
      return bench.network(...request);
    });
    await handle.ask();
    expect(calls).toBe(1);
    expect(await settles(meter)).toBe(1);
    expect(await meter.getUsage()).toMatchObject({ tokensSpent: 10, usdHeld: 0 });
  });

  it("covers every method of HTTP: one is billed, some cost nothing, the rest is refused", async () => {
    const meter = newMeter();
    const { send } = metered(meter);
    const free: Method[] = ["get", "delete"];
    for (const method of ["post" as const, ...free]) await send(method);
    for (const method of ["put", "patch"] as const) {
      expect(await failure(Promise.resolve(send(method)))).toMatchObject({ code: "UNRECOGNIZED_REQUEST" });
    }
    expect(bench.upstream.requests.map(({ method }) => method)).toEqual(["POST", "GET", "DELETE"]);
    expect(await settles(meter)).toBe(1);
  });

  it("counts once when it is instrumented twice, or had the meter's fetch before", async () => {
    const meter = newMeter({ fetch: bench.network });
    const twice = metered(meter);
    const { withOptions } = Object(twice.client);
    instrument(meter, twice.client);
    expect(Object(twice.client).withOptions).toBe(withOptions);
    await twice.ask();
    await metered(meter, meter.fetch).ask();
    expect(await settles(meter)).toBe(2);
  });

  it("is metered again, by any meter, where its fetch was replaced meanwhile", async () => {
    const [first, second] = [newMeter(), newMeter()];
    const handle = metered(first);
    Object.assign(handle.client, { fetch: bench.network });
    instrument(second, handle.client);
    await handle.ask();
    await handle.copy({ maxRetries: 0 }).ask();
    expect(await settles(second)).toBe(2);
    expect((await first.getUsage()).tokensSpent).toBe(0);
    expect((await second.getUsage()).tokensSpent).toBe(20);
  });

  it("takes no second meter", () => {
    const [first, second] = [newMeter(), newMeter()];
    expect(() => instrument(second, metered(first).client)).toThrow(InvalidOptionsError);
    expect(() => instrument(second, make(first.fetch).client)).toThrow(InvalidOptionsError);
  });

  it("meters the copies that withOptions makes, and their copies, once each", async () => {
    const meter = newMeter();
    const handle = metered(meter);
    await handle.copy({ maxRetries: 0 }).ask();
    await handle.copy({ maxRetries: 0 }).copy({ timeout: 5_000 }).ask();
    await handle.copy({ fetch: bench.network }).ask();
    expect(await settles(meter)).toBe(3);
    expect((await meter.getUsage()).tokensSpent).toBe(30);
  });

  it("gets our very error over the budget, which is one of the package's own too", async () => {
    const handle = metered(poor());
    for (const refused of [handle, handle.copy({ timeout: 5_000 })]) {
      events.length = 0;
      const error = await failure(Promise.resolve(refused.ask()));
      expect(events.map((event) => event.error)).toEqual([error]);
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(error).toBeInstanceOf(AgentLimitError);
      expect(error).toBeInstanceOf(root);
      expect(error).toBeInstanceOf(Error);
    }
    expect(bench.upstream.requests).toEqual([]);
  });

  const { helpers } = make();
  it.runIf(Object.keys(helpers).length > 0).each(Object.keys(helpers))(
    "gets it from %s too, after one attempt",
    async (helper) => {
      const error = await failure(Promise.resolve(metered(poor()).helpers[helper]?.()));
      expect(error).toBeInstanceOf(BudgetExceededError);
      expect(events.map((event) => event.error)).toEqual([error]);
      expect(bench.upstream.requests).toEqual([]);
    },
  );

  it.runIf(Object.keys(helpers).length > 0).each(Object.keys(helpers))(
    "not instrumented, is given it by %s under an error of the package's own, where `from` finds it",
    async (helper) => {
      const { helpers } = make(newMeter({ monthlyBudgetUsd: "0.000001", fetch: bench.network }).fetch);
      const error = await failure(Promise.resolve(helpers[helper]?.()));
      expect(events.map(({ type }) => type)).toEqual(["denied"]);
      expect(BudgetExceededError.from(error)).toBe(events[0]?.error);
      expect(bench.upstream.requests).toEqual([]);
    },
  );

  it.runIf(Object.keys(helpers).length > 0).each(Object.keys(helpers))(
    "is charged once for %s",
    async (helper) => {
      const meter = newMeter();
      await metered(meter).helpers[helper]?.();
      expect(await settles(meter)).toBe(1);
      expect(await meter.getUsage()).toMatchObject({ tokensSpent: 10, usdHeld: 0 });
    },
  );
});

describe("An error that joined a package's family", () => {
  it("keeps its class, its fields and its methods", async () => {
    const client = poor().instrumentOpenAIClient(new OpenAI({ apiKey: "none" }));
    const error = await failure(client.chat.completions.create({ model: "gpt-4o-mini", messages: [] }));
    if (!(error instanceof BudgetExceededError)) throw error;
    expect(error.constructor).toBe(BudgetExceededError);
    expect(error).toMatchObject({
      name: "BudgetExceededError",
      code: "BUDGET_EXCEEDED",
      status: 402,
      transient: false,
    });
    expect(error.denials.length).toBe(1);
    expect(error.getResponse().status).toBe(402);
    expect(await error.getResponse().json()).toMatchObject({ code: "BUDGET_EXCEEDED", status: 402 });
    expect(BudgetExceededError.from({ cause: error })).toBe(error);
  });

  it("belongs to the package that it was thrown through, with one meter for both", async () => {
    const meter = poor();
    for (const { make, instrument, root } of INSTRUMENTABLE) {
      const handle = make(bench.network);
      instrument(meter, handle.client);
      const error = await failure(Promise.resolve(handle.ask()));
      expect(error).toBeInstanceOf(root);
      for (const other of INSTRUMENTABLE.filter((each) => each.root !== root)) {
        expect(error).not.toBeInstanceOf(other.root);
      }
    }
  });
});

describe("openai 7", () => {
  it("is metered under a provider at another origin, for which it drops its fetch", async () => {
    const meter = newMeter({ unknownModel: { input: 1, output: 1, maxOutputTokens: 10 } });
    const client = meter.instrumentOpenAIClient(new OpenAI({ apiKey: "none", fetch: bench.network }));
    const provider = bedrock({ apiKey: "none", baseURL: `${bench.upstream.url}/v1` });
    const copy = client.withOptions({ provider });
    await copy.chat.completions.create({ model: "gpt-4o-mini", messages: [] });
    await meter.flush();
    expect(bench.upstream.requests[0]?.headers["x-forwarded-host"]).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(["settled"]);
  });

  it("is refused with an X.509 identity, whose requests go past its fetch", () => {
    const credential = workloadIdentity.fromX509({
      certificateChain: LOOPBACK_CERTIFICATE,
      privateKey: LOOPBACK_KEY,
      identityProviderId: "idp_1",
      serviceAccountId: "sa_1",
    });
    expect(() => newMeter().instrumentOpenAIClient(new OpenAI({ credential }))).toThrow(/X\.509/);
    const instrumented = newMeter().instrumentOpenAIClient(new OpenAI({ apiKey: "none" }));
    expect(() => instrumented.withOptions({ credential })).toThrow(/X\.509/);
  });
});

describe("What is no such client", () => {
  it.each([
    ["nothing", undefined],
    ["a text", "client"],
    ["an empty object", {}],
    ["a client without a fetch", { chat: {}, messages: {} }],
    ["a fetch of another kind", { chat: {}, messages: {}, fetch: "no" }],
  ])("is refused: %s", (_name, thing) => {
    const meter = newMeter();
    for (const instrument of [meter.instrumentOpenAIClient, meter.instrumentAnthropicClient]) {
      expect(() => Reflect.apply(instrument, meter, [thing])).toThrow(InvalidOptionsError);
    }
  });

  it("is the other provider's", () => {
    const meter = newMeter();
    for (const { name, make } of INSTRUMENTABLE) {
      const { client } = make();
      if (name.includes("anthropic"))
        expect(() => meter.instrumentOpenAIClient(client)).toThrow(/no OpenAI client/);
      else expect(() => meter.instrumentAnthropicClient(client)).toThrow(/no Anthropic client/);
    }
  });
});

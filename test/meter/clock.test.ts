/** What time does to a meter: windows that end, holds that expire, settles that come late. */
import { describe, expect, it } from "vitest";
import {
  type AlertEvent,
  AlreadySettledError,
  BudgetExceededError,
  type MeterEvent,
  type MeterOptions,
  memoryStore,
  UsageMeter,
} from "../../src/index.ts";
import { rejection } from "./stores.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Meters of one ledger whose clock the test moves. */
function clocked(startsAt: string) {
  let nowMs = Date.parse(startsAt);
  const store = memoryStore({ now: () => nowMs });
  return {
    make: (options: Partial<MeterOptions> = {}) => new UsageMeter({ agentId: "a", store, ...options }),
    advance: (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

describe("a window", () => {
  it("of the calendar month resets by itself at the first of the next, UTC, and its thresholds with it", async () => {
    const { make, advance } = clocked("2026-11-30T23:59:00Z");
    const alerts: AlertEvent[] = [];
    const onAlert = (event: AlertEvent) => void alerts.push(event);
    const meter = make({ monthlyBudgetUsd: 1, onAlert, alertThresholds: [0.9] });
    await meter.record({ costUsd: "0.95" });
    const error = await rejection(meter.reserve({ estimatedCostUsd: "0.1" }));
    if (!(error instanceof BudgetExceededError)) throw error;
    expect(error.message).toBe(
      "Budget exceeded: agent:a has spent $0.95 of its $1.00 month (resets 2026-12-01T00:00Z); this call needs $0.10. Wait for the reset, or raise the limit.",
    );
    expect(error.retryAfterSeconds).toBe(60);

    advance(MINUTE);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, percentUsd: 0 });
    await meter.record({ costUsd: "0.95" });
    expect(alerts).toHaveLength(2);
  });

  it("of a minute answers 429 with the seconds to wait", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:40Z");
    const meter = make({ budgets: [{ window: "minute", requests: 1 }] });
    await meter.record({ costUsd: 0 });
    const { error } = await meter.check();
    const response = error?.getResponse();
    expect(response?.status).toBe(429);
    expect(response?.headers.get("retry-after")).toBe("20");
    advance(20 * SECOND);
    expect((await meter.check()).allowed).toBe(true);
  });

  it("of a zone and an anchor says so, in the message, the denial and the alert", async () => {
    const { make, advance } = clocked("2026-11-25T12:00:00Z");
    const alerts: AlertEvent[] = [];
    const onAlert = (event: AlertEvent) => void alerts.push(event);
    const zone = { timeZone: "America/New_York", anchor: "2026-01-15" };
    const meter = make({ budgets: [{ window: "month", usd: 10, ...zone }], onAlert, alertThresholds: [0.9] });
    await meter.record({ costUsd: "9.5" });
    const error = await rejection(meter.reserve({ estimatedCostUsd: 1 }));
    if (!(error instanceof BudgetExceededError)) throw error;
    expect(error.message).toBe(
      "Budget exceeded: agent:a has spent $9.50 of its $10.00 month (America/New_York, from 2026-01-15; resets 2026-12-15T05:00Z); this call needs $1.00. Wait for the reset, or raise the limit.",
    );
    expect(error.denials).toMatchObject([{ window: "month", ...zone }]);
    expect(alerts).toMatchObject([{ percent: 95, budget: { window: "month", ...zone } }]);
    expect(alerts[0]?.id).toMatch(/^agent:a\/month@America\/New_York#2026-01-15\/usd\/0.9\/\d+$/);

    advance(20 * DAY);
    await meter.record({ costUsd: 9 });
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(2);
  });

  it("by the calendar in UTC names no zone and no anchor", async () => {
    const { make } = clocked("2026-11-25T12:00:00Z");
    const meter = make({
      budgets: [{ window: "month", usd: 10, timeZone: "Etc/UTC", anchor: "2026-01-01" }],
    });
    const { budgets, monthlyBudgetUsd } = await meter.getUsage();
    expect(monthlyBudgetUsd).toBe(10);
    expect(budgets).toHaveLength(1);
    expect(budgets[0]).not.toHaveProperty("timeZone");
    expect(budgets[0]).not.toHaveProperty("anchor");
  });

  it("of a zone is no month of the scope's: what a month has spent is UTC's", async () => {
    const { make, advance } = clocked("2026-11-30T20:00:00Z");
    const meter = make({ budgets: [{ window: "month", usd: 10, timeZone: "Asia/Tokyo" }] });
    await meter.record({ costUsd: 4 });
    expect(await meter.getUsage()).toMatchObject({
      usdSpent: 4,
      monthlyBudgetUsd: null,
      percentUsd: null,
      remainingUsd: 6,
      budgets: [{ window: "month", timeZone: "Asia/Tokyo", spent: 4, percent: 40 }],
    });
    advance(4 * HOUR);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, budgets: [{ spent: 4 }] });
  });

  it("is written into the message with what is held", async () => {
    const { make } = clocked("2026-11-10T12:00:00Z");
    const meter = make({
      scope: "team:search",
      budgets: [{ window: "month", usd: 1000 }],
      agentId: undefined,
    });
    await meter.record({ costUsd: "998.1" });
    await meter.reserve({ estimatedCostUsd: "1.4" });
    const error = await rejection(meter.reserve({ estimatedCostUsd: "0.75" }));
    expect((error as Error).message).toBe(
      "Budget exceeded: team:search has spent $998.10 and holds $1.40 of its $1000.00 month (resets 2026-12-01T00:00Z); this call needs $0.75. Only calls in flight stand in the way: try again when they have settled.",
    );
    expect(error).toMatchObject({ transient: true });
  });
});

describe("a hold that nobody settles", () => {
  it("becomes spend at the end of its expiry minute", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:30Z");
    const meter = make({ monthlyBudgetUsd: 10 });
    const hold = await meter.reserve({ estimatedCostUsd: 1, expiresInSeconds: 60 });
    expect(hold.expiresAt.toISOString()).toBe("2026-11-10T12:02:00.000Z");
    advance(89 * SECOND);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 0, usdHeld: 1 });
    advance(SECOND);
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1, usdHeld: 0 });
  });

  it("is not run again under its id: the error has the receipt of its expiry", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    await meter.reserve({ estimatedCostUsd: 1, id: "call-1" });
    advance(HOUR);
    const error = await rejection(meter.reserve({ estimatedCostUsd: 1, id: "call-1" }));
    if (!(error instanceof AlreadySettledError)) throw error;
    expect(error.receipt).toMatchObject({ id: "call-1", costUsd: 1, source: "estimated" });
  });

  it("is corrected by a late settle, once", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    const { id } = await meter.reserve({ estimatedCostUsd: 1 });
    advance(20 * HOUR);
    expect((await meter.getUsage()).usdSpent).toBe(1);
    expect(await meter.hold(id).settle({ costUsd: "0.4" })).toMatchObject({
      costUsd: 0.4,
      source: "reported",
    });
    expect((await meter.getUsage()).usdSpent).toBe(0.4);
    expect(await rejection(meter.hold(id).settle({ costUsd: "0.5" }))).toBeInstanceOf(AlreadySettledError);
  });

  it("may be released late, too", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    advance(20 * HOUR);
    await hold.release();
    expect((await meter.getUsage()).usdSpent).toBe(0);
  });

  it("and that the store has forgotten is counted already: only what it cost beyond is booked, once", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const events: MeterEvent[] = [];
    const meter = make({ monthlyBudgetUsd: 1, onEvent: (event) => void events.push(event) });
    const hold = await meter.reserve({ estimatedCostUsd: 1, tokens: 100 });
    advance(2 * DAY);
    expect(await hold.settle({ costUsd: "1.5", tokensUsed: 80 })).toMatchObject({
      costUsd: 1.5,
      overrun: true,
    });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.5, tokensSpent: 100 });
    expect(events.map(({ type }) => type)).toEqual(["failed", "settled"]);
    expect(events[0]).toMatchObject({ id: hold.id, error: { code: "UNKNOWN_HOLD" } });

    await hold.settle({ costUsd: "1.5", tokensUsed: 80 });
    await hold.settle({ costUsd: "0.1" });
    expect(await meter.getUsage()).toMatchObject({ usdSpent: 1.5, tokensSpent: 100 });
    expect(await rejection(hold.release())).toMatchObject({ code: "UNKNOWN_HOLD" });
    expect(await rejection(meter.hold(hold.id).settle({ costUsd: 9 }))).toMatchObject({
      code: "UNKNOWN_HOLD",
    });
    expect((await meter.getUsage()).usdSpent).toBe(1.5);
  });
});

describe("a settled hold", () => {
  it("is counted already when its short-lived id is gone", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    const hold = await meter.reserve({ estimatedCostUsd: 1 });
    await hold.settle({ costUsd: "0.5" });
    advance(2 * HOUR);
    await hold.settle({ costUsd: "0.7" });
    expect((await meter.getUsage()).usdSpent).toBe(0.7);
  });

  it("under an id of the user replays for a day", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    const hold = await meter.reserve({ estimatedCostUsd: 1, id: "call-1" });
    await hold.settle({ costUsd: "0.5" });
    advance(24 * HOUR);
    expect(await rejection(meter.reserve({ estimatedCostUsd: 1, id: "call-1" }))).toBeInstanceOf(
      AlreadySettledError,
    );
    expect(await meter.hold("call-1").settle({ costUsd: "0.5" })).toMatchObject({ replayed: true });
  });
});

describe("the id of a record", () => {
  it("is remembered for 25 hours, or as long as the meter says", async () => {
    const { make, advance } = clocked("2026-11-10T12:00:00Z");
    const week = make({ idRetentionSeconds: (7 * DAY) / SECOND });
    await make().record({ costUsd: 1, id: "short" });
    await week.record({ costUsd: 1, id: "long" });
    advance(25 * HOUR - SECOND);
    expect((await make().record({ costUsd: 1, id: "short" })).replayed).toBe(true);
    advance(6 * DAY - 2 * HOUR);
    expect((await week.record({ costUsd: 1, id: "long" })).replayed).toBe(true);
    expect((await make().record({ costUsd: 1, id: "short" })).replayed).toBe(false);
  });
});

describe("exact money", () => {
  it("100,000 calls of gpt-4o-mini with 7 tokens in and 3 out cost exactly $0.285", async () => {
    const { make } = clocked("2026-11-10T12:00:00Z");
    const meter = make();
    const usage = { provider: "openai", model: "gpt-4o-mini", inputTokens: 7, outputTokens: 3 };
    for (let calls = 0; calls < 100_000; calls += 1) await meter.record(usage);
    const { usdSpent, nanoUsdSpent, tokensSpent } = await meter.getUsage();
    expect({ usdSpent, nanoUsdSpent, tokensSpent }).toEqual({
      usdSpent: 0.285,
      nanoUsdSpent: 285_000_000,
      tokensSpent: 1_000_000,
    });
  }, 60_000);
});

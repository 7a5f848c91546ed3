import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startOwnTime } from "./own-time.ts";

const SPAN_MS = 400;

describe("The own time of work", () => {
  it("has the time in which it waits, where the machine withholds nothing", async () => {
    const waited = async () => {
      const endOwnTime = startOwnTime();
      await sleep(SPAN_MS);
      return endOwnTime();
    };
    await expect.poll(waited, { timeout: 15_000 }).toBeGreaterThan(SPAN_MS - 10);
  });

  it("has the time in which it computes and lets nothing else run", () => {
    const endOwnTime = startOwnTime();
    const start = process.threadCpuUsage();
    const computedMs = () => {
      const { user, system } = process.threadCpuUsage(start);
      return (user + system) / 1000;
    };
    while (computedMs() < SPAN_MS);
    expect(endOwnTime()).toBeGreaterThan(SPAN_MS - 10);
  });

  it("has none in which the thread was kept from running", async () => {
    const endOwnTime = startOwnTime();
    await sleep(50);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SPAN_MS);
    await sleep(50);
    expect(endOwnTime()).toBeLessThan(SPAN_MS / 2);
  });
});

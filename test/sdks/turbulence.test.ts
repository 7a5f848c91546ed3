/** 400 calls at once of every client, on a provider's bad day: the ledger holds what the provider bills. */
import { describe, expect, it } from "vitest";
import { meteredClient, startBench, textOf } from "./bench.ts";
import { SDKS } from "./clients/index.ts";
import type { Sdk } from "./sdk.ts";
import { type Bill, turbulence } from "./turbulence.ts";

const CALLS = 400;
const SEED = Number(process.env.SDKS_SEED ?? 18);

describe("The ledger after 400 concurrent calls, half of them streams, with failures and cuts", () => {
  it.each(SDKS)("is the provider's bill: $name", { timeout: 60_000 }, async (sdk) => {
    const { answer, bills } = turbulence(sdk, SEED);
    const bench = await startBench(answer);
    await using all = meteredClient(sdk, bench, { storeTimeoutMs: 10_000 });
    const calls = Array.from({ length: CALLS }, (_, number) => {
      const question = `call-${number}`;
      const meter = all.meter.child(question.replace("-", ":"));
      return { question, meter, isStream: number % 2 === 0 };
    });

    const maxRetries = sdk.retries === "soon" ? 1 : 0;
    const answers = await Promise.all(
      calls.map(async ({ question, meter, isStream }) => {
        const client = sdk.connect({ meter, network: bench.network, maxRetries });
        return (isStream ? textOf(client.stream(question)) : client.ask(question)).catch(() => undefined);
      }),
    );
    await expect.poll(async () => (await all.standing()).heldUsd, { timeout: 20_000 }).toBe(0);

    const booked = await Promise.all(calls.map(({ meter }) => meter.getUsage()));
    let total = 0;
    for (const [number, { question }] of calls.entries()) {
      const bill = billOf(bills, question);
      const { nanoUsdSpent, usdHeld } = booked[number] ?? expect.fail("no account");
      expect(usdHeld, question).toBe(0);
      total += nanoUsdSpent;
      if (bill.wasCut) {
        expect(nanoUsdSpent, `${question}, which was cut`).toBeGreaterThanOrEqual(bill.nanoUsd);
      } else {
        expect(nanoUsdSpent, question).toBe(bill.nanoUsd);
        expect(answers[number], question).toBe(bill.text);
      }
    }
    expect((await all.standing()).nanoUsd).toBe(total);
    expectABadDay(sdk, [...bills.values()]);
    await bench.close();
  });
});

function billOf(bills: Map<string, Bill>, question: string): Bill {
  return bills.get(question) ?? expect.fail(`${question} never arrived.`);
}

/** That the test looked at what it promises to look at. */
function expectABadDay(sdk: Sdk, bills: Bill[]): void {
  const attempts = bills.reduce((sum, bill) => sum + bill.attempts, 0);
  expect(bills.filter(({ wasCut }) => wasCut).length).toBeGreaterThan(CALLS / 20);
  expect(bills.filter(({ text }) => text !== undefined).length).toBeGreaterThan(CALLS / 2);
  if (sdk.retries === "soon") expect(attempts).toBeGreaterThan(CALLS);
}

/** What a meter promises beyond the Python library; run over each store. */
import { afterAll, beforeAll, describe } from "vitest";
import { describeBudgets } from "./budgets.suite.ts";
import { describeHolds } from "./holds.suite.ts";
import { describeOperations } from "./operations.suite.ts";
import { type MakeStore, meterMaker, type StoreUnderTest } from "./stores.ts";
import { describeTrack } from "./track.suite.ts";
import { describeWaiting } from "./waiting.suite.ts";

export function describeMeterSemantics(name: string, makeStore: MakeStore): void {
  describe(`a meter over ${name}`, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await makeStore();
    });
    afterAll(() => under.close());

    const meters = () => meterMaker(under.store);
    describeBudgets(meters);
    describeHolds(meters);
    describeTrack(meters);
    describeWaiting(meters);
    describeOperations(meters);
  });
}

/**
 * What an edge function carries, so that growth is noticed: `npm run size` shows the parts. A size here is that of the day
 * it was written, and a little more; whoever raises one says in the commit what the bytes are for.
 */
import { expect, it } from "vitest";
import { measureSizes } from "../../scripts/sizes.ts";

it("carries no more than it did, minified and gzipped", async () => {
  const { whole, core, coreWithFetch, parts } = await measureSizes();
  expect(core).toBeLessThan(49_700);
  expect(coreWithFetch).toBeLessThan(74_000);
  expect(parts.table).toBeLessThan(7_000);
  expect(whole).toBeLessThan(98_100);
});

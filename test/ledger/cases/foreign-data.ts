/** Stored data that somebody else wrote, or that is gone. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import {
  administer,
  CENT,
  check,
  isHeld,
  link,
  promise,
  record,
  reserve,
  type StoreCase,
  settle,
  usd,
} from "./bench.ts";

export const FOREIGN_DATA_CASES: StoreCase[] = promise("data that is not ours denies, and is left as it is", {
  "names the field that somebody else wrote": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await record(bench, chain, usd(CENT));
    const good = await bench.fields("user:1");
    const broken: Record<string, string[]> = {
      c: ["", "garbage", "1 2 3;", (good.c ?? "").replace(/\d+,\d+,\d+;$/, "1e5,0,0;"), `${good.c}1,1,1;`],
      s: ["", "-", `${good.s}x`, (good.s ?? "").replace("- -;", "- x;")],
      w: [
        "",
        "day",
        `${good.w}month`,
        (good.w ?? "").replace("-,-,-", "-,-"),
        (good.w ?? "").replace("-,-,-", "1-2,-,-"),
      ],
    };
    for (const [field, texts] of Object.entries(broken)) {
      for (const text of texts) {
        await bench.tamper("user:1", field, text);
        const before = await bench.fields("user:1");
        const isData = { name: "StoreDataError" };
        await rejects(reserve(bench, chain, usd(CENT)), isData, `reserve with ${field} = ${text}`);
        await rejects(record(bench, chain, usd(CENT)), isData, `record with ${field} = ${text}`);
        await rejects(check(bench, chain), isData, `check with ${field} = ${text}`);
        deepEqual(await bench.fields("user:1"), before);
      }
      await bench.tamper("user:1", field, good[field] ?? "");
    }
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
  "denies by spoiled limits whose caller sends none, whether it holds or settles": async (bench) => {
    const chain = [link("user:1")];
    await record(bench, [link("user:1", [{ window: "day", usd: 1 }])], usd(CENT));
    await reserve(bench, chain, usd(CENT), { id: "a" });
    const { w = "" } = await bench.fields("user:1");
    for (const spoiled of ["1000000000,-,-,junk", "99999999999999999,-,-", "5-3,-,-", "1000000000,-,-/"]) {
      await bench.tamper("user:1", "w", w.replace("1000000000,-,-", spoiled));
      const before = await bench.fields("user:1");
      await rejects(reserve(bench, chain, usd(CENT)), { name: "StoreDataError" }, `reserve by ${spoiled}`);
      await rejects(settle(bench, chain, "a", usd(CENT)), { name: "StoreDataError" }, `settle by ${spoiled}`);
      deepEqual(await bench.fields("user:1"), before);
    }
  },
  "denies what a newer version has written": async (bench) => {
    const chain = [link("user:1", [])];
    await record(bench, chain, usd(CENT));
    const { c = "" } = await bench.fields("user:1");
    await bench.tamper("user:1", "c", c.replace(/^1 /, "2 "));
    await rejects(reserve(bench, chain, usd(CENT)), { code: "LAYOUT_TOO_NEW" });
    await rejects(check(bench, chain), { code: "LAYOUT_TOO_NEW" });
  },
  "denies an account that has vanished, until it is reset": async (bench) => {
    const chain = [link("user:1", [{ window: "day", usd: 1 }])];
    await reserve(bench, chain, usd(CENT), { id: "a" });
    await bench.loseAccount("user:1");
    await rejects(check(bench, chain), { code: "STATE_LOST" });
    await rejects(reserve(bench, chain, usd(CENT)), { code: "STATE_LOST" });
    await rejects(record(bench, chain, usd(CENT)), { code: "STATE_LOST" });
    await rejects(settle(bench, chain, "a", usd(CENT)), { code: "STATE_LOST" });
    await bench.store.reset(administer(bench, "user:1"));
    const refused = await reserve(bench, chain, usd(CENT));
    ok(refused.outcome === "paused" && refused.reason?.includes("lost"));
    await bench.store.resume(administer(bench, "user:1"));
    ok(isHeld(await reserve(bench, chain, usd(CENT))));
  },
});

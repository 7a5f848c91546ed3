/**
 * Replays recorded answers of providers: `npm run test:recordings -- FOLDER [SEED]`. What a folder holds says
 * `test/recordings/replay.ts`. Exits with 1 on a failure, and where there was nothing to replay.
 */
import { replayFolder } from "../test/recordings/replay.ts";

const [folder, seed = "1"] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Which folder? npm run test:recordings -- FOLDER [SEED]");
  process.exit(1);
}
const { passed, failures, skipped } = await replayFolder(folder, Number(seed));
for (const failure of failures) console.error(`failed  ${failure}`);
const reasons = [...skipped].map(([reason, count]) => `${count} ${reason}`);
const skips = reasons.length > 0 ? `; skipped: ${reasons.join(", ")}` : "";
console.log(`${passed} passed, ${failures.length} failed${skips}`);
if (passed === 0) console.error(`Nothing in ${folder} could be replayed.`);
process.exit(passed > 0 && failures.length === 0 ? 0 : 1);

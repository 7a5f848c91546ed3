/** Goes before a command: at its end, writes what it took to the file that its caller reads. */
import { writeSync } from "node:fs";
import { startOwnTime } from "../support/own-time.ts";

const CALLERS_PIPE = 3;

const endOwnTime = startOwnTime();
process.on("exit", () => writeSync(CALLERS_PIPE, String(endOwnTime())));

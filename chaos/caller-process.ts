/** One process of callers. Its parent sends it the settings and then "stop", or kills it. */
import { type CallerSettings, type Callers, startCallers } from "./callers.ts";

const TELL_EVERY_MS = 200;

let callers: Callers | undefined;
const tell = () => process.send?.(callers?.operations() ?? 0);

process.on("message", async (message: CallerSettings | "stop") => {
  if (message !== "stop") {
    callers = startCallers(message);
    setInterval(tell, TELL_EVERY_MS).unref();
    return;
  }
  await callers?.stop();
  tell();
  process.disconnect();
});
process.on("disconnect", () => process.exit());

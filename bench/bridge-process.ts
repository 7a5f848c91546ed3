/** The bridge in a process of its own, as it is in use, so that it takes no time from the callers. Ends with its input. */
import { startBridge } from "../test/support/bridge.ts";

const bridge = await startBridge(process.argv[2] ?? "");
process.stdout.write(`${JSON.stringify({ url: bridge.url, token: bridge.token })}\n`);
process.stdin.resume().on("end", () => process.exit());

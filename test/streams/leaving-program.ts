/** A program that reads a metered stream and ends at once, with its last byte or after its first ones, with no settle awaited. */
import { UsageMeter } from "../../src/node.ts";

const { REDIS_URL, UPSTREAM_URL, ENDS_AT = "[DONE]" } = process.env;
if (REDIS_URL === undefined || UPSTREAM_URL === undefined) throw new Error("REDIS_URL and UPSTREAM_URL?");

const meter = new UsageMeter({ redisUrl: REDIS_URL, clock: "local", scope: "program" });
const { body } = await meter.fetch(`${UPSTREAM_URL}/v1/chat/completions`, {
  method: "POST",
  body: JSON.stringify({ model: "gpt-4o-mini", messages: [], max_tokens: 64, stream: true }),
});
let text = "";
for await (const chunk of body ?? []) {
  text += new TextDecoder().decode(chunk);
  if (text.includes(ENDS_AT)) process.kill(process.pid, "SIGKILL");
}

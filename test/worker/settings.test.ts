/** The Worker's settings: without one of them it answers 503 and says which. */
import { describe, expect, it } from "vitest";
import type { WorkerEnvironment } from "../../worker/config.ts";
import worker from "../../worker/index.ts";
import { answerOf, OWNER_TOKEN } from "../admin/admin-client.ts";

const REDIS_TOKEN = "redis-token-for-tests";
const COMPLETE: WorkerEnvironment = {
  UPSTASH_REDIS_REST_URL: "https://example.upstash.io",
  UPSTASH_REDIS_REST_TOKEN: REDIS_TOKEN,
  AGENTLIMIT_OWNER_TOKEN: OWNER_TOKEN,
};
const context = { waitUntil() {}, passThroughOnException() {}, props: {} };

async function ask(environment: WorkerEnvironment) {
  const headers = { authorization: `Bearer ${OWNER_TOKEN}`, "content-type": "application/json" };
  const request = new Request("https://example.com/v1/calls/reserve", { method: "POST", headers, body: "{" });
  return answerOf(await worker.fetch(request, environment, context));
}

describe("the Worker's settings", () => {
  it.each(["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "AGENTLIMIT_OWNER_TOKEN"])(
    "without %s it answers 503 to every request and names it, and no other",
    async (name) => {
      for (const value of [undefined, ""]) {
        const answer = await ask({ ...COMPLETE, [name]: value });
        expect(answer).toMatchObject({ status: 503, body: { code: "NOT_CONFIGURED" } });
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
        const { detail } = Object(answer.body);
        expect(detail).toContain(name);
        expect(
          detail.match(/UPSTASH_REDIS_REST_URL|UPSTASH_REDIS_REST_TOKEN|AGENTLIMIT_OWNER_TOKEN/g),
        ).toEqual([name]);
      }
    },
  );

  it.each([
    [{ AGENTLIMIT_OWNER_TOKEN: "x".repeat(31) }, /AGENTLIMIT_OWNER_TOKEN.*32 characters/],
    [{ UPSTASH_REDIS_REST_URL: "http://example.com" }, /UPSTASH_REDIS_REST_URL.*https:/],
    [{ UPSTASH_REDIS_REST_TOKEN: "two words" }, /UPSTASH_REDIS_REST_TOKEN.*spaces/],
  ])("that are not usable, as in %j, are named as well, and not repeated", async (setting, message) => {
    const answer = await ask({ ...COMPLETE, ...setting });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "NOT_CONFIGURED", detail: expect.stringMatching(message) },
    });
    const text = JSON.stringify(answer.body);
    for (const value of [...Object.values(setting), OWNER_TOKEN, REDIS_TOKEN])
      expect(text).not.toContain(value);
  });

  it("take effect at once when they change", async () => {
    expect((await ask({})).status).toBe(503);
    expect((await ask(COMPLETE)).status).toBe(400);
    expect((await ask({ ...COMPLETE, AGENTLIMIT_OWNER_TOKEN: `${OWNER_TOKEN}2` })).status).toBe(401);
  });
});

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { restTransport } from "../../src/redis/rest.ts";
import { startBridge } from "../support/bridge.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { ECHO } from "../support/scripts.ts";
import { get, post } from "./requests.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});

afterAll(() => server.stop());

async function bridgeTo(redisUrl: string) {
  const bridge = await startBridge(redisUrl, { redisTimeoutMs: 1000 });
  onTestFinished(() => bridge.close());
  return bridge;
}

describe("A bridge that Redis does not let in as it asks", () => {
  it("writes nothing into another database than that of its address", async () => {
    const bridge = await bridgeTo(`${server.url}/99`);
    const told = { error: expect.stringMatching(/^ERR DB index is out of range: the bridge's Redis/) };
    for (let tries = 0; tries < 3; tries++) {
      expect(await post(bridge, "/", ["SET", "k", "v"])).toEqual([503, told]);
      expect(await post(bridge, "/pipeline", [["SET", "k", "v"]])).toEqual([200, [told]]);
      expect(await post(bridge, "/multi-exec", [["SET", "k", "v"]])).toEqual([503, told]);
    }
    expect(await server.command("DBSIZE")).toBe(":0");
    const transport = restTransport({ url: bridge.url, token: bridge.token });
    await expect(transport.run(ECHO, ["k"], ["v"])).rejects.toThrow(/no database of the address's number/);
  });

  it("uses the database of its address", async () => {
    const bridge = await bridgeTo(`${server.url}/3`);
    expect(await get(bridge, "/set/k/v")).toEqual([200, { result: "OK" }]);
    expect(await server.command("DBSIZE")).toBe(":0");
    expect(await get(bridge, "/get/k")).toEqual([200, { result: "v" }]);
    await server.flush();
  });

  it.each(["redis://:wrong@", "redis://nobody:wrong@", "redis://"])(
    "tells by 503 that its own password is at fault, and not the caller's token: %s",
    async (start) => {
      const locked = await startRedisServer({ password: "right" });
      onTestFinished(() => locked.stop());
      const bridge = await bridgeTo(`${start}127.0.0.1:${locked.port}`);
      const told = { error: expect.stringMatching(/^NOAUTH the bridge's Redis refuses/) };
      expect(await post(bridge, "/", ["PING"])).toEqual([503, told]);
      expect(await post(bridge, "/pipeline", [["PING"]])).toEqual([200, [told]]);
      expect(await post(bridge, "/multi-exec", [["PING"]])).toEqual([503, told]);
    },
  );
});

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { inject } from "vitest";
import type { MeterEvent } from "../../src/metering/calls.ts";
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import { freshNamespace } from "../meter/stores.ts";
import { describeSdks } from "./sdk-suite.ts";
import type { MakeTestMeter } from "./test-meter.ts";

type Connection = Pick<NodeMeterOptions, "redisUrl" | "redis">;

const overTcp = throughBreakableLine(inject("redisUrl"), (redisUrl) => ({ redisUrl }));
const overRest = throughBreakableLine(inject("restUrl"), (url) => ({
  redis: { url, token: inject("restToken") },
}));

describeSdks("UsageMeter over TCP", overTcp);
describeSdks("UsageMeter over REST", overRest);

/** Meters whose connection to a real server can be cut, and then stays down. */
function throughBreakableLine(serverUrl: string, connection: (url: string) => Connection): MakeTestMeter {
  return async ({ usd = "1000" } = {}) => {
    const line = await breakableLine(serverUrl);
    const events: MeterEvent[] = [];
    const meter = new UsageMeter({
      ...connection(line.url),
      namespace: freshNamespace(),
      agentId: "sdk",
      budgets: [{ window: "total", usd }],
      onEvent: (event) => void events.push(event),
    });
    return {
      fetch: meter.fetch,
      events,
      async standing() {
        await meter.flush();
        const { nanoUsdSpent, usdHeld, tokensSpent } = await meter.getUsage();
        return {
          spentNanoUsd: nanoUsdSpent,
          heldNanoUsd: Math.round(usdHeld * 1e9),
          spentTokens: tokensSpent,
        };
      },
      breakStore: line.cut,
      async close() {
        await meter.close();
        await line.cut();
      },
    };
  };
}

interface Line {
  url: string;
  cut(): Promise<void>;
}

/** A TCP proxy in front of `url`. */
async function breakableLine(url: string): Promise<Line> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  const near = new URL(url);
  near.hostname = "127.0.0.1";
  near.port = String(address.port);
  return {
    url: near.href,
    async cut() {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

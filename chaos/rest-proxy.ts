/** A proxy between REST clients and the bridge that does faults to single requests and answers. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type NetworkFaults, operationIds } from "./network-faults.ts";
import type { FaultyProxy } from "./tcp-proxy.ts";
import { Underway } from "./underway.ts";

export async function startRestProxy(bridgeUrl: string, faults: NetworkFaults): Promise<FaultyProxy> {
  const underway = new Underway();
  const proxy = { bridge: new URL(bridgeUrl), agent: new Agent({ keepAlive: true }), faults, underway };
  const server = createServer((incoming, response) => {
    response.on("error", () => {});
    underway.add(handle(proxy, incoming, response).catch(() => response.destroy()));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port.");
  return {
    port: address.port,
    idle: () => underway.idle(),
    close() {
      server.close();
      server.closeAllConnections();
      proxy.agent.destroy();
    },
  };
}

interface Proxy {
  bridge: URL;
  agent: Agent;
  faults: NetworkFaults;
  underway: Underway;
}

interface Request {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

interface Answer {
  status: number;
  body: Buffer;
}

async function handle(proxy: Proxy, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { underway } = proxy;
  const asked = await readRequest(incoming);
  const fault = proxy.faults.next("rest", operationIds(asked.body));
  if (fault === undefined) return deliver(response, await ask(proxy, asked));
  switch (fault.kind) {
    case "requestLost":
      return;
    case "requestCut":
      await ask(proxy, asked, asked.body.length / 2).catch(() => {});
      response.destroy();
      return;
    case "requestDoubled":
      underway.later(fault.delayMs, () => ask(proxy, asked));
      return deliver(response, await ask(proxy, asked));
    case "requestDelayed":
      underway.later(fault.delayMs, async () => deliver(response, await ask(proxy, asked)));
      return;
    case "answerLost":
      await ask(proxy, asked);
      return;
    case "answerCut": {
      const { status, body } = await ask(proxy, asked);
      response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
      return;
    }
    case "answerDelayed": {
      const answer = await ask(proxy, asked);
      await delay(fault.delayMs);
      return deliver(response, answer);
    }
    default:
      fault.kind satisfies never;
  }
}

function deliver(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body);
}

async function readRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const headers: Record<string, string> = {};
  for (const name of ["authorization", "content-type", "upstash-encoding"]) {
    const value = incoming.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return { path: incoming.url ?? "/", headers, body: Buffer.concat(chunks) };
}

/**
 * Asks the bridge.
 *
 * @param bytes so many of the body are sent before the connection is closed; all by default.
 */
async function ask(proxy: Proxy, { path, headers, body }: Request, bytes = body.length): Promise<Answer> {
  const { hostname, port } = proxy.bridge;
  const options = { hostname, port, path, method: "POST", agent: proxy.agent };
  const outgoing = request({ ...options, headers: { ...headers, "content-length": body.length } });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  if (bytes < body.length) outgoing.write(body.subarray(0, bytes), () => outgoing.destroy());
  else outgoing.end(body);
  const [incoming] = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return { status: incoming.statusCode ?? 502, body: Buffer.concat(chunks) };
}

/** A proxy on loopback between a client and a server, for faults of the network. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface TcpProxyOptions {
  /** Asked for every piece of data from the server: true cuts the connection instead of passing it on. */
  isCut?: (data: Buffer) => boolean;
  /** The same for every piece of data from the client: it never arrives. */
  isLost?: (data: Buffer) => boolean;
}

export interface TcpProxy {
  port: number;
  /** Connections from now on lead to this port; those that are open stay where they are. */
  leadTo(port: number): void;
  /** Connections that are open now stay open and carry nothing any more, as when a host has vanished. */
  freeze(): void;
  close(): void;
}

export async function tcpProxy(toPort: number, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  let target = toPort;
  const sockets = new Set<Socket>();
  const frozen = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        if (!frozen.has(socket)) other.destroy();
      });
      socket.on("data", (data) => {
        if (frozen.has(socket)) return;
        const cuts = socket === upstream ? options.isCut : options.isLost;
        if (cuts?.(data)) client.destroy();
        else other.write(data);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    port: address.port,
    leadTo: (port) => {
      target = port;
    },
    freeze: () => {
      for (const socket of sockets) frozen.add(socket);
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Redis servers and REST addresses that fail, each in one way of its own: what a meter is to refuse. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { freePort, type RedisServer, type RedisServerOptions, startRedisServer } from "./redis-server.ts";
import { SECRET } from "./refusals.ts";

/** Hears what is to be closed when the test is over. */
export type AtEnd = (close: () => unknown) => void;

/** Starts what fails, and returns its address. */
export type Broken = (atEnd: AtEnd) => Promise<string>;

async function redis(atEnd: AtEnd, options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  atEnd(() => server.stop());
  return server;
}

export const nobodyListens: Broken = async () => `redis://127.0.0.1:${await freePort()}`;

export const hangs: Broken = async (atEnd) => {
  const server = await redis(atEnd);
  server.pause();
  return server.url;
};

/** Its data take seconds to load. */
export const isLoading: Broken = async (atEnd) => {
  const folder = temporaryFolder(atEnd);
  const before = await redis(atEnd, { folder });
  await before.command("EVAL \"for i = 1, 10000 do redis.call('SET', i, i) end\" 0");
  await before.command("SAVE");
  await before.stop();
  const args = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
  return (await redis(atEnd, { folder, args, until: "listening" })).url;
};

/** Somebody's script never ends. */
export const isBusy: Broken = async (atEnd) => {
  const server = await redis(atEnd, { args: ["--busy-reply-threshold", "10"] });
  server.command('EVAL "while true do end" 0').catch(() => {});
  while (!(await server.command("PING")).startsWith("-BUSY"));
  return server.url;
};

export const isReplica: Broken = async (atEnd) => {
  return (await redis(atEnd, { args: ["--replicaof", "127.0.0.1 1"] })).url;
};

export const lacksReplicas: Broken = async (atEnd) => {
  return (await redis(atEnd, { args: ["--min-replicas-to-write", "1"] })).url;
};

export const isFull: Broken = async (atEnd) => (await redis(atEnd, { args: ["--maxmemory", "1"] })).url;

/** It can't write a snapshot: its folder is gone. */
export const canNotSave: Broken = async (atEnd) => {
  const folder = temporaryFolder(atEnd);
  const server = await redis(atEnd, { folder, args: ["--save", "3600 1"] });
  rmSync(folder, { recursive: true });
  await server.command("BGSAVE");
  while (!(await server.command("SET k v")).startsWith("-MISCONF"));
  return server.url;
};

export const hasAnotherPassword: Broken = async (atEnd) => {
  const { port } = await redis(atEnd, { password: "another-password" });
  return `redis://:${SECRET}@127.0.0.1:${port}`;
};

export const wantsAPassword: Broken = async (atEnd) => {
  const { port } = await redis(atEnd, { password: SECRET });
  return `redis://127.0.0.1:${port}`;
};

/** Its user may read and write, and run no scripts. */
export const forbidsScripts: Broken = async (atEnd) => {
  const server = await redis(atEnd);
  await server.command(`ACL SETUSER reader on >${SECRET} ~* +@all -@scripting`);
  return `redis://reader:${SECRET}@127.0.0.1:${server.port}`;
};

/** A node of a cluster that serves none of the slots. */
export const isOneNodeOfMany: Broken = async (atEnd) => {
  const server = await redis(atEnd, {
    args: ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())],
  });
  return server.url;
};

export const hasNoSuchDatabase: Broken = async (atEnd) => `${(await redis(atEnd)).url}/99`;

/** It speaks HTTP, not Redis' protocol. */
export const isAWebServer: Broken = async (atEnd) => {
  const server = createServer((_request, response) => response.end("<html>Welcome!</html>"));
  return `redis://127.0.0.1:${await listening(server, atEnd)}`;
};

/** It takes each connection and closes it. */
export const hangsUp: Broken = async (atEnd) => {
  const server = createTcpServer((socket) => void socket.destroy());
  return `redis://127.0.0.1:${await listening(server, atEnd)}`;
};

/** Addresses of REST APIs that fail by themselves. */
export const rest = {
  nobodyListens: (async () => `http://127.0.0.1:${await freePort()}`) satisfies Broken,
  hangs: httpServer(() => {}),
  stops: httpServer((response) => response.writeHead(200).write("{")),
  hangsUp: httpServer((response) => response.destroy()),
  /** Gives this answer to everything. */
  answer: (status: number, body: string): Broken =>
    httpServer((response) => response.writeHead(status).end(body)),
  /** Gives this answer to a command, and to each command of a pipeline. */
  answerEach: (answer: object): Broken =>
    httpServer((response, body) => {
      const sent: unknown[] = JSON.parse(body);
      response.end(JSON.stringify(Array.isArray(sent[0]) ? sent.map(() => answer) : answer));
    }),
};

function httpServer(answer: (response: ServerResponse, body: string) => unknown): Broken {
  return async (atEnd) => {
    const server = createServer(async (request, response) => {
      const body = await text(request);
      answer(response, body);
    });
    const url = `http://127.0.0.1:${await listening(server, atEnd)}`;
    atEnd(() => server.closeAllConnections());
    return url;
  };
}

async function listening(server: Server, atEnd: AtEnd): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => server.close());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

function temporaryFolder(atEnd: AtEnd): string {
  const folder = mkdtempSync(join(tmpdir(), "redis-broken-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

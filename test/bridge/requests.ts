/** Requests to a bridge as they are, without a client between. */
import { connect, type Socket } from "node:net";

export interface Target {
  url: string;
  token: string;
}

/** What of an answer the tests look at. */
export type Answered = [status: number, body: unknown];

/** Posts JSON, or bytes and texts as they are. */
export async function post(
  { url, token }: Target,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const bytes = Buffer.isBuffer(body) ? new Uint8Array(body) : undefined;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: bytes ?? text,
  });
  return [response.status, await response.json()];
}

export async function get({ url, token }: Target, path: string): Promise<Answered> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return [response.status, await response.json()];
}

/** A connection on which a test writes what it likes. */
export function rawConnection({ url }: Target): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  return socket;
}

/** Everything that comes until the other end closes. */
export async function textUntilEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(chunks).toString("latin1");
}

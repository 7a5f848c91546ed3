/** A provider that answers with the very bytes that its request asks for, so that a test in any runtime can say what comes. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { isObject, type JsonObject } from "../../src/providers/json.ts";

/** The field `echo` of a request's body. */
export interface Echo {
  status?: number;
  contentType: string;
  /** The body, each chunk in Base64. */
  chunks: string[];
  /** The connection breaks after the last chunk. */
  breaks?: boolean;
}

export interface EchoUpstream {
  url: string;
  close(): Promise<void>;
}

export async function startEchoUpstream(): Promise<EchoUpstream> {
  const server = createServer(async (request, response) => {
    const { status, contentType, chunks, breaks } = echoOf(await bodyOf(request));
    response.on("error", () => {});
    response.writeHead(status, { "content-type": contentType });
    for (const chunk of chunks) {
      response.write(chunk);
      // A turn of its own for each, or they would arrive as one.
      await delay(0);
    }
    if (breaks) response.destroy();
    else response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The upstream has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A body in chunks that end at these places; negative ones count from its end. */
export function chunksCutAt(bytes: Uint8Array, places: number[]): string[] {
  const ends = [
    ...new Set(
      places.map((place) => (place < 0 ? Math.max(0, bytes.length + place) : place % (bytes.length + 1))),
    ),
  ].sort((a, b) => a - b);
  const starts = [0, ...ends];
  const chunks = starts.map((start, at) => bytes.subarray(start, starts[at + 1] ?? bytes.length));
  return chunks.filter(({ length }) => length > 0).map((chunk) => btoa(String.fromCharCode(...chunk)));
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  return isObject(body) && isObject(body.echo) ? body.echo : {};
}

function echoOf({ status = 200, contentType, chunks, breaks = false }: JsonObject) {
  if (!Array.isArray(chunks)) throw new TypeError("The request does not say what it wants to hear.");
  return {
    status: Number(status),
    contentType: String(contentType),
    chunks: chunks.map((chunk) => Buffer.from(String(chunk), "base64")),
    breaks: breaks === true,
  };
}

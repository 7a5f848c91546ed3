/** Answers what Node does not take for a request, in the protocol's form: `@upstash/redis` reads each answer as JSON. */
import type { Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Sets this up for a server, instead of Node's answers without a body. */
export function answerMalformed(server: Server): void {
  const underWay = new WeakMap<Duplex, ServerResponse>();
  const ending = new WeakSet<Duplex>();
  server.on("request", (request, response) => underWay.set(request.socket, response));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (ending.has(socket)) return;
    ending.add(socket);
    const response = underWay.get(socket);
    const isAnswering = response !== undefined && !response.writableFinished;
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    // A whole request came before, which this must not seem to answer.
    else if (isAnswering && response.req.complete) response.once("close", () => socket.destroy());
    else if (isAnswering && response.headersSent) socket.destroy();
    else socket.end(answerTo(error.code), () => socket.destroy());
  });
}

function answerTo(code: string | undefined): string {
  const [status, message] = ANSWERS.get(code ?? "") ?? ["400 Bad Request", "ERR this is no HTTP request"];
  const body = JSON.stringify({ error: message });
  return [
    `HTTP/1.1 ${status}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}

const ANSWERS = new Map([
  [
    "HPE_HEADER_OVERFLOW",
    [
      "431 Request Header Fields Too Large",
      "ERR the address or the headers are too large: send the command as the body",
    ],
  ],
  ["ERR_HTTP_REQUEST_TIMEOUT", ["408 Request Timeout", "ERR the request did not arrive in time"]],
]);

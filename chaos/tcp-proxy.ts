/** A proxy between clients and Redis that does faults to single commands and answers. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { splitFrames } from "./frames.ts";
import { type NetworkFaults, operationIds } from "./network-faults.ts";
import { Underway } from "./underway.ts";

export interface FaultyProxy {
  port: number;
  /** Resolves when no delayed request is on its way any more. */
  idle(): Promise<void>;
  close(): void;
}

export async function startTcpProxy(redisPort: number, faults: NetworkFaults): Promise<FaultyProxy> {
  const underway = new Underway();
  const connections = new Set<Connection>();
  const server = createServer((client) => {
    const connection = new Connection({ client, redisPort, faults, underway });
    connections.add(connection);
    client.on("close", () => connections.delete(connection));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port.");
  return {
    port: address.port,
    idle: () => underway.idle(),
    close() {
      server.close();
      for (const connection of connections) connection.cut();
    },
  };
}

/** The place of an answer: clients tell answers apart by their order. */
interface Slot {
  ids: string[];
  answer?: Buffer;
  /** Done to the answer when it comes. */
  fault?: { kind: "answerLost" | "answerCut" | "answerDelayed"; delayMs: number };
}

interface ConnectionOptions {
  client: Socket;
  redisPort: number;
  faults: NetworkFaults;
  underway: Underway;
}

class Connection {
  readonly #options: ConnectionOptions;
  readonly #upstream: Socket;
  /** In the order of the requests: all that the client waits for. */
  readonly #slots: Slot[] = [];
  /** In the order of their sending to Redis. */
  readonly #sent: Slot[] = [];
  #isSilent = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#upstream = connect(options.redisPort, "127.0.0.1");
    onFrames(options.client, (frame) => this.#request(frame));
    onFrames(this.#upstream, (frame) => this.#answer(frame));
    for (const socket of [options.client, this.#upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => this.cut());
    }
  }

  cut(): void {
    this.#giveUpAnswers();
    this.#options.client.destroy();
    this.#upstream.destroy();
  }

  #request(frame: Buffer): void {
    const { faults, redisPort, underway } = this.#options;
    const ids = operationIds(frame);
    if (this.#isSilent) {
      faults.hitAlongside(ids);
      return;
    }
    const fault = faults.next("tcp", ids);
    const slot: Slot = { ids };
    this.#slots.push(slot);
    if (fault === undefined) {
      this.#forward(frame, slot);
      return;
    }
    switch (fault.kind) {
      case "requestLost":
        this.#fallSilent();
        return;
      case "requestCut":
        this.#upstream.end(frame.subarray(0, frame.length / 2));
        this.#options.client.destroy();
        return;
      case "requestDoubled":
        underway.later(fault.delayMs, () => askApart(redisPort, frame));
        this.#forward(frame, slot);
        return;
      case "requestDelayed":
        underway.later(fault.delayMs, async () => this.#fill(slot, await askApart(redisPort, frame)));
        return;
      default:
        slot.fault = { kind: fault.kind, delayMs: fault.delayMs };
        this.#forward(frame, slot);
    }
  }

  #forward(frame: Buffer, slot: Slot): void {
    this.#sent.push(slot);
    this.#upstream.write(frame);
  }

  #answer(frame: Buffer): void {
    const slot = this.#sent.shift();
    if (slot === undefined) return;
    switch (slot.fault?.kind) {
      case undefined:
        this.#fill(slot, frame);
        return;
      case "answerLost":
        this.#fallSilent();
        return;
      case "answerCut":
        this.#options.client.end(frame.subarray(0, frame.length / 2));
        this.#upstream.destroy();
        return;
      case "answerDelayed":
        this.#options.underway.later(slot.fault.delayMs, async () => this.#fill(slot, frame));
    }
  }

  #fallSilent(): void {
    this.#isSilent = true;
    this.#giveUpAnswers();
  }

  #giveUpAnswers(): void {
    for (const { ids } of this.#slots.splice(0)) this.#options.faults.hitAlongside(ids);
  }

  /** Answers go to the client in the order of its requests. Without one there is nothing more to say. */
  #fill(slot: Slot, answer: Buffer | undefined): void {
    if (answer === undefined) {
      this.cut();
      return;
    }
    if (this.#isSilent) return;
    slot.answer = answer;
    while (this.#slots[0]?.answer !== undefined) {
      const next = this.#slots.shift();
      if (next?.answer !== undefined) this.#options.client.write(next.answer);
    }
  }
}

/** Sends one command over a connection of its own. Undefined: no answer came. */
async function askApart(redisPort: number, frame: Buffer): Promise<Buffer | undefined> {
  const socket = connect(redisPort, "127.0.0.1");
  socket.on("error", () => {});
  const answer = new Promise<Buffer | undefined>((resolve) => {
    onFrames(socket, resolve);
    socket.on("close", () => resolve(undefined));
  });
  socket.write(frame);
  const first = await answer;
  socket.destroy();
  return first;
}

function onFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (data) => {
    const frames = splitFrames(Buffer.concat([rest, data]));
    rest = frames.rest;
    for (const frame of frames.whole) onFrame(frame);
  });
}

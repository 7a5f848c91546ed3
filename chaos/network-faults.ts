/** Which fault a request meets on its way, by seed; and the list of those that happened. */
import { steadyMicros } from "./clock.ts";
import { randomOf } from "./random.ts";

/**
 * `Lost`: nothing comes through, and the connection stays open. `Cut`: half of it comes through, and the connection is
 * closed. `Doubled`: a copy goes over another connection. `Delayed`: it comes later, and what was sent after it overtakes it.
 */
export const NETWORK_FAULTS = [
  "requestLost",
  "requestCut",
  "requestDoubled",
  "requestDelayed",
  "answerLost",
  "answerCut",
  "answerDelayed",
] as const;
export type NetworkFaultKind = (typeof NETWORK_FAULTS)[number];
export type Wire = "tcp" | "rest";

/** Zero delay for faults that know none. */
export interface NetworkFault {
  kind: NetworkFaultKind;
  delayMs: number;
}

/** A fault that was done to a request. */
export interface DoneFault {
  wire: Wire;
  kind: NetworkFaultKind;
  /** The operations in the request. */
  ids: string[];
  atMicros: number;
}

/** Of a hundred requests. A silent TCP connection holds up all that follows, so there are fewer of those. */
const WEIGHTS: Record<Wire, Record<NetworkFaultKind, number>> = {
  tcp: {
    requestLost: 0.4,
    requestCut: 3,
    requestDoubled: 16,
    requestDelayed: 9,
    answerLost: 0.5,
    answerCut: 4,
    answerDelayed: 7,
  },
  rest: {
    requestLost: 2,
    requestCut: 3,
    requestDoubled: 16,
    requestDelayed: 9,
    answerLost: 3,
    answerCut: 4,
    answerDelayed: 7,
  },
};
/** Of a hundred delays; longer ones outlast the caller's deadline and what it does then. */
const LONG_DELAYS: Record<Wire, number> = { tcp: 5, rest: 15 };

export class NetworkFaults {
  readonly done: DoneFault[] = [];
  /** Operations that shared a connection with one that met a fault, and went down with it. */
  readonly alongside: Pick<DoneFault, "ids" | "atMicros">[] = [];
  readonly #seed: number;
  /** Faults follow from the operation and from how often it came by, not from the order of the requests. */
  readonly #deliveries = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The fault of the next delivery of these operations, noted as done. */
  next(wire: Wire, ids: string[]): NetworkFault | undefined {
    const [first] = ids;
    if (first === undefined) return undefined;
    const delivery = (this.#deliveries.get(`${wire} ${first}`) ?? 0) + 1;
    this.#deliveries.set(`${wire} ${first}`, delivery);
    const fault = drawFault(this.#seed, wire, `${first} ${delivery}`);
    if (fault !== undefined) this.done.push({ wire, kind: fault.kind, ids, atMicros: steadyMicros() });
    return fault;
  }

  hitAlongside(ids: string[]): void {
    if (ids.length > 0) this.alongside.push({ ids, atMicros: steadyMicros() });
  }
}

function drawFault(seed: number, wire: Wire, delivery: string): NetworkFault | undefined {
  const random = randomOf(seed, "network", wire, delivery);
  const rows = NETWORK_FAULTS.map((kind): [number, NetworkFaultKind | undefined] => [
    WEIGHTS[wire][kind],
    kind,
  ]);
  const faulted = rows.reduce((sum, [weight]) => sum + weight, 0);
  const kind = random.weighted([...rows, [100 - faulted, undefined]]);
  if (kind === undefined) return undefined;
  const isLong = random.chance(LONG_DELAYS[wire] / 100);
  const longMs = 600 + random.below(1_000);
  switch (kind) {
    case "requestDoubled":
      // A copy waits for nobody, so it may come long after.
      return {
        kind,
        delayMs: random.weighted([
          [4, 0],
          [5, random.below(300)],
          [1, longMs],
        ]),
      };
    case "requestDelayed":
    case "answerDelayed":
      return { kind, delayMs: isLong ? longMs : 5 + random.below(60) };
    default:
      return { kind, delayMs: 0 };
  }
}

/** The operations that a request names by their keys. */
export function operationIds(request: Buffer): string[] {
  const ids = new Set<string>();
  for (const [, id] of request.toString("latin1").matchAll(/\}:i:([A-Za-z0-9._:@/+=-]+)["\r]/g)) {
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

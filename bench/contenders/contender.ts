/** What is measured: one kind of call, over a wire. */
import type { Caller, Wire } from "../wires.ts";

export interface Contender {
  name: string;
  callers: number;
  /** @throws when the call did not do what it should: nothing is measured that did not work. */
  call(caller: number): Promise<void>;
  close(): Promise<void>;
}

/** A contender whose callers each make the call that `callOf` makes for their way to Redis. */
export function contender(name: string, wire: Wire, callOf: (way: Caller) => () => Promise<void>): Contender {
  const calls = wire.callers.map(callOf);
  return {
    name,
    callers: calls.length,
    call: (caller) => calls[caller]?.() ?? Promise.reject(new RangeError(`There is no caller ${caller}.`)),
    close: async () => {},
  };
}

/** Makes each caller's first calls: scripts are loaded, accounts made, the paths of the client known to the runtime. */
export async function warm({ callers, call }: Contender): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (let caller = 0; caller < callers; caller += 1) await call(caller);
  }
}

export const scopesText = (scopes: number): string => (scopes === 1 ? "1 scope" : `${scopes} scopes`);

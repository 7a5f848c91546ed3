/** This library as its users have it: `UsageMeter`, with prices, receipts, and how all budgets stand in every answer. */
import { type NodeMeterOptions, UsageMeter } from "../../src/node.ts";
import type { Caller, Wire } from "../wires.ts";
import { budgetsOf } from "./chain.ts";
import { type Contender, contender, scopesText } from "./contender.ts";

/** A meter at the end of the chain, and the one at its head, which owns the connection. */
export interface MeterChain {
  leaf: Pick<UsageMeter, "reserve" | "fetch" | "flush">;
  root: UsageMeter;
}

const CALL = { provider: "openai", model: "gpt-4o-mini", inputTokens: 1200, maxOutputTokens: 500 };

export function meterReserve(wire: Wire, scopes: number): Contender {
  return meterContender("UsageMeter.reserve", { wire, scopes }, ({ leaf }) => async () => {
    await leaf.reserve(CALL);
  });
}

export function meterCall(wire: Wire, scopes: number): Contender {
  return meterContender("UsageMeter reserve + settle", { wire, scopes }, ({ leaf }) => async () => {
    const hold = await leaf.reserve(CALL);
    const receipt = await hold.settle({ inputTokens: 1187, outputTokens: 212 });
    if (receipt.source !== "reported") throw new Error("The call was not settled as reported.");
  });
}

export function meterChain(
  options: Pick<NodeMeterOptions, "redis" | "waitUntil">,
  scopes: number,
): MeterChain {
  const [top, ...below] = budgetsOf(scopes).reverse();
  const root = new UsageMeter({ ...options, ...top, namespace: "bench" });
  let leaf: MeterChain["leaf"] & Pick<UsageMeter, "child"> = root;
  for (const { scope, budgets } of below) leaf = leaf.child(scope, { budgets });
  return { root, leaf };
}

function meterContender(
  name: string,
  { wire, scopes }: { wire: Wire; scopes: number },
  callOf: (chain: MeterChain) => () => Promise<void>,
): Contender {
  const chains = new Map<Caller, MeterChain>(
    wire.callers.map((way) => [way, meterChain(way.meterOptions, scopes)]),
  );
  const made = contender(`${name}, ${scopesText(scopes)}`, wire, (way) => {
    const chain = chains.get(way);
    if (chain === undefined) throw new Error("A caller without a meter.");
    return callOf(chain);
  });
  return {
    ...made,
    close: async () => {
      for (const { root } of chains.values()) await root.close();
    },
  };
}

/** What to say of a model without a price. */
import { shown } from "./decimal-prices.ts";
import { MAX_NAME_LENGTH } from "./read-price.ts";

export interface UnknownModel {
  provider: string;
  model: string;
  /** What the user's `models` made of the name. */
  mapped: string | undefined;
  /** The provider's priced names. */
  known: readonly string[];
  providers: readonly string[];
  asOf: string;
}

/** Names the model and the ways to price it, with the nearest names that have a price. */
export function unknownModelMessage(unknown: UnknownModel): string {
  const { provider, model, mapped, known, providers, asOf } = unknown;
  const target = mapped === undefined ? "" : `, which models maps to ${shown(mapped)}`;
  const isDeployment = mapped === undefined && provider === "azure";
  return [
    `No price is known for ${shown(model)} of ${shown(provider)}${target} (prices of ${asOf}).`,
    isDeployment
      ? `Deployments are named at will: say what this one runs, as models: { ${shown(model)}: "gpt-4o-2024-08-06" }.`
      : "Add it to customPricing (USD per million tokens), map it to a priced model in models, or give unknownModel a price.",
    model.length > MAX_NAME_LENGTH ? `Names have at most ${MAX_NAME_LENGTH} characters.` : "",
    known.length === 0
      ? `Providers with prices: ${providers.join(", ")}.`
      : nearestText(mapped ?? model, known),
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

function nearestText(model: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, common: commonPrefix(name, model) }))
    .filter(({ common }) => common >= 3)
    .sort((a, b) => b.common - a.common || a.name.length - b.name.length)
    .slice(0, 3);
  return near.length === 0 ? "" : `Nearest names with a price: ${near.map(({ name }) => name).join(", ")}.`;
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

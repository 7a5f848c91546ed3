/** What may not change between two tables without somebody saying so. */
import type { PriceIndex } from "../src/pricing/price-index.ts";
import type { PriceRow } from "../src/pricing/price-row.ts";
import { completeRates, RATE_KINDS } from "../src/pricing/rates.ts";
import { SEED_PRICES } from "./price-file.ts";

const MOST_CHANGE = 2;

/** One sentence for each name that vanished, each price that changed by more than twice, and each seed that moved. */
export function suspiciousChanges(before: PriceIndex, after: PriceIndex): string[] {
  const changes = [...before.providers].flatMap(([provider, index]) =>
    [...index.names()].flatMap((name) => {
      const row = after.providers.get(provider)?.find(name);
      if (row === undefined) return [`${provider} ${name} vanished.`];
      return changesOf(index.find(name), row).map((change) => `${provider} ${name}: ${change}`);
    }),
  );
  return [...changes, ...movedSeeds(after)];
}

function changesOf(before: PriceRow | undefined, after: PriceRow): string[] {
  if (before === undefined) return [];
  const old = completeRates(before.rates);
  const now = completeRates(after.rates);
  return RATE_KINDS.filter(
    (kind) => Math.max(old[kind], now[kind]) > MOST_CHANGE * Math.min(old[kind], now[kind]),
  ).map((kind) => `${kind} went from ${old[kind]} to ${now[kind]} pico-USD.`);
}

function movedSeeds(table: PriceIndex): string[] {
  return SEED_PRICES.flatMap(({ provider, model, input, output }) => {
    const rates = table.providers.get(provider)?.find(model)?.rates;
    const isSame = rates?.input === Number(input) * 1e6 && rates.output === Number(output) * 1e6;
    return isSame ? [] : [`${provider} ${model} is no longer ${input}/${output}.`];
  });
}

/** What may not change between two tables without somebody saying so. */
import { modelPrice } from "../src/pricing/model-price.ts";
import type { PriceIndex, ProviderIndex } from "../src/pricing/price-index.ts";
import type { PriceRow } from "../src/pricing/price-row.ts";
import { completeRates, RATE_KINDS, type RateKind } from "../src/pricing/rates.ts";
import { SEED_PRICES } from "./price-file.ts";

const MOST_CHANGE = 2;

/** One sentence for each name that vanished, each price that changed by more than twice, and each seed that moved. */
export function suspiciousChanges(before: PriceIndex, after: PriceIndex): string[] {
  const changes = [...before.providers].flatMap(([provider, index]) => {
    const now = after.providers.get(provider);
    const vanished = [...index.names()].filter((name) => now?.find(name) === undefined);
    return [
      ...vanished.map((name) => `${provider} ${name} vanished.`),
      ...index.rows().flatMap((row) => (now === undefined ? [] : changesOf({ provider, row, index, now }))),
    ];
  });
  return [...changes, ...movedSeeds(after)];
}

interface Comparison {
  provider: string;
  row: PriceRow;
  index: ProviderIndex;
  now: ProviderIndex;
}

function changesOf({ provider, row, index, now }: Comparison): string[] {
  const nowRow = now.find(row.model.toLowerCase());
  if (nowRow === undefined) return [];
  const oldPrices = pricesOf(provider, row, index);
  const newPrices = pricesOf(provider, nowRow, now);
  const stated = [...oldPrices.keys()].filter(
    (label) => !isKind(label) || row.rates[label] !== undefined || nowRow.rates[label] !== undefined,
  );
  return stated.flatMap((label) => {
    const [old = 0, current = 0] = [oldPrices.get(label), newPrices.get(label) ?? oldPrices.get(label)];
    return Math.max(old, current) > MOST_CHANGE * Math.min(old, current)
      ? [`${provider} ${row.model}: ${label} went from ${old} to ${current} pico-USD.`]
      : [];
  });
}

/** Every price of a row under a label: per token of each kind, per token on the tiers, per call. */
function pricesOf(provider: string, row: PriceRow, { terms }: ProviderIndex): Map<string, number> {
  const { price } = modelPrice(
    { provider, row, source: "table", terms, feeTerms: terms, regional: false, writesCacheUnasked: false },
    0,
  );
  const tiers = price.hourlyServiceTiers.flatMap((serviceTiers, hour) =>
    Object.entries(serviceTiers).flatMap(([tier, { perMille, steps }]) =>
      steps.flatMap(({ rates }, size) =>
        (["input", "output"] as const).map((kind) => {
          const when = hour === 0 ? "" : ", off-peak";
          return [`${tier} ${kind}, size ${size}${when}`, (rates[kind] * perMille) / 1000] as const;
        }),
      ),
    ),
  );
  const fees = Object.entries(price.fees).map(([fee, pico]) => [fee, pico ?? 0] as const);
  return new Map([...Object.entries(completeRates(row.rates)), ...tiers, ...fees]);
}

function isKind(label: string): label is RateKind {
  return RATE_KINDS.some((kind) => kind === label);
}

function movedSeeds(table: PriceIndex): string[] {
  return SEED_PRICES.flatMap(({ provider, model, input, output }) => {
    const rates = table.providers.get(provider)?.find(model)?.rates;
    const isSame = rates?.input === Number(input) * 1e6 && rates.output === Number(output) * 1e6;
    return isSame ? [] : [`${provider} ${model} is no longer ${input}/${output}.`];
  });
}

/** `agentlimit models`: every provider and model that has a price. */
import { unknownName } from "../../ledger/nearest-name.ts";
import { builtInIndex } from "../../pricing/built-in-prices.ts";
import { type SupportedModel, supportedModels } from "../../pricing/supported-models.ts";
import type { CliContext } from "../context.ts";
import { type Cell, json, type Paint, table } from "../output.ts";
import { UsageError } from "../usage-error.ts";

export interface ModelsFlags {
  provider?: string;
  json?: boolean;
}

export default function models(this: CliContext, flags: ModelsFlags): void {
  const { stdout } = this.process;
  const listed = modelsOf(flags.provider);
  stdout.write(flags.json === true ? json(listed) : readable(listed, stdout.paint));
}

/** @throws UsageError for a provider without any price. */
function modelsOf(provider: string | undefined): SupportedModel[] {
  const all = supportedModels();
  if (provider === undefined) return all;
  const name = provider.toLowerCase();
  const providers = [...new Set(all.map((model) => model.provider))];
  const unknown = unknownName([name], providers);
  if (unknown === undefined) return all.filter((model) => model.provider === name);
  const hint = unknown.nearest === undefined ? "" : `; did you mean ${unknown.nearest}?`;
  throw new UsageError(`--provider is one of ${providers.join(", ")}${hint === "" ? "." : hint}`);
}

function readable(listed: SupportedModel[], paint: Paint): string {
  const hasCallPrices = listed.some(({ price }) => price.perCall !== undefined);
  const heading: Cell[] = [
    { text: "PROVIDER" },
    { text: "MODEL" },
    { text: "INPUT", align: "right" },
    { text: "OUTPUT", align: "right" },
    { text: "CACHED", align: "right" },
    ...(hasCallPrices ? [{ text: "PER CALL", align: "right" } as const] : []),
  ];
  const rows = listed.map(({ provider, model, price }): Cell[] => [
    { text: provider },
    { text: model, style: "bold" },
    ...[price.input, price.output, price.cachedInput, ...(hasCallPrices ? [price.perCall] : [])].map(
      (usd): Cell => ({ text: usd === undefined ? "-" : dollars(String(usd)), align: "right" }),
    ),
  ]);
  const note = `USD per million tokens, as of ${builtInIndex().asOf}. Cached input without a price of its own (-) costs as much as input.`;
  return `${table(heading, rows, paint)}\n${paint("dim", note)}\n`;
}

/** At least two decimals: `2.5` is `2.50`, `0.0028` stays. */
function dollars(text: string): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(2, "0")}`;
}

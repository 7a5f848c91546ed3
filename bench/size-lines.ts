/** The sizes of the parts, for people. */
import { styleText } from "node:util";
import type { Sizes } from "../scripts/sizes.ts";
import { tableLines } from "./table.ts";

export function sizeLines({ whole, parts, core, coreWithFetch }: Sizes): string[] {
  const rows: [string, number][] = [
    ["UsageMeter with all that it needs", whole],
    ["  @upstash/redis", parts.client],
    ["  the prices of all models", parts.table],
    ["  metered fetch and all providers", parts.fetchAndProviders],
    ["  what prices a usage", parts.pricing],
    ["  the scripts in Lua", parts.scripts],
    ["  meter, ledger, errors, transport", parts.meter],
    ["the last four: without client and prices", coreWithFetch],
    ["the last three: the core", core],
  ];
  const cells = rows.map(([what, bytes]) => [what, kilobytesText(bytes)]);
  return [styleText("bold", "What a function carries"), ...tableLines(["", "minified, gzipped"], cells), ""];
}

export const kilobytesText = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

/** Fields that nobody knows: a misspelled one would leave unsaid, silently, what its writer meant to say. */
import { InvalidUsageError } from "../errors.ts";
import { unknownName } from "../ledger/nearest-name.ts";
import { shown } from "./decimal-prices.ts";

/** @throws InvalidUsageError for a field that is not among `known`, with the nearest of them, else with all. */
export function refuseUnknownFields(
  fields: Iterable<string>,
  known: readonly string[],
  what: "Usage" | "An estimate",
): void {
  const unknown = unknownName([...fields], known);
  if (unknown === undefined) return;
  const { name, nearest } = unknown;
  const hint = nearest === undefined ? `. Known: ${known.join(", ")}.` : `; did you mean ${shown(nearest)}?`;
  throw new InvalidUsageError(`${what} has no field ${shown(name)}${hint}`);
}

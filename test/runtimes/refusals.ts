/** Asks a meter over each dead store to send a call, and tells as a line of JSON how it was refused. */
import { AgentLimitError, type UsageMeter } from "../../src/index.ts";
import { chat } from "./meter-cases.ts";

/** How the call was refused; `code` is left out where it was not, or not with an error of the library. */
export interface Refused {
  store: string;
  code?: string;
  message: string;
  elapsedMs: number;
}

/**
 * @param addresses of the dead stores, by their names.
 * @param makeMeter over the store at an address.
 */
export async function tellRefusals(
  addresses: Record<string, string>,
  makeMeter: (address: string) => UsageMeter,
  upstreamUrl: string,
): Promise<void> {
  const telling = Object.entries(addresses).map(async ([store, address]) => {
    const startMs = performance.now();
    const [outcome] = await Promise.allSettled([chat(makeMeter(address), `${upstreamUrl}/v1`)]);
    const elapsedMs = performance.now() - startMs;
    const error: unknown = outcome.status === "rejected" ? outcome.reason : "It was sent.";
    const code = error instanceof AgentLimitError ? { code: error.code } : {};
    const refused: Refused = { store, ...code, message: String(error), elapsedMs };
    console.log(JSON.stringify(refused));
  });
  await Promise.all(telling);
}

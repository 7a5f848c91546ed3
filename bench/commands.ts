/** What calls cost where commands are billed: counted by the server, those inside scripts too; and over how many round trips. */
import diagnostics from "node:diagnostics_channel";
import { styleText } from "node:util";
import { beforeTheCall, wholeCall } from "./comparisons.ts";
import { type Contender, warm } from "./contenders/contender.ts";
import { readServer } from "./server-reading.ts";
import type { Servers } from "./servers.ts";
import { median } from "./statistics.ts";
import { tableLines } from "./table.ts";
import { restWire, tcpWire, type Wire } from "./wires.ts";

export interface CallCost {
  name: string;
  /** Of one call on a warm path. Once a minute and scope there are two more, which sweep. */
  commands: number;
  /** One after the other, over REST. */
  roundTrips: number;
}

/** Odd, so that the call that sweeps does not count. */
const CALLS = 5;

export async function countCosts({ redisUrl, rest, observer }: Servers): Promise<CallCost[]> {
  const [tcp, overRest] = await Promise.all([tcpWire(redisUrl, 1), restWire(rest, 1)]);
  const costs: CallCost[] = [];
  const restContenders = await contendersOver(overRest);
  for (const [place, contender] of (await contendersOver(tcp)).entries()) {
    const restContender = restContenders[place];
    if (restContender === undefined) throw new Error("The wires have different contenders.");
    const commands = await medianOf(contender, async () => (await readServer(observer)).commands);
    let requests = 0;
    const count = () => {
      requests += 1;
    };
    diagnostics.subscribe(REQUEST_CHANNEL, count);
    const roundTrips = await medianOf(restContender, async () => requests);
    diagnostics.unsubscribe(REQUEST_CHANNEL, count);
    costs.push({ name: contender.name, commands, roundTrips });
    await contender.close();
    await restContender.close();
  }
  await Promise.all([tcp.close(), overRest.close()]);
  return costs;
}

export function costLines(costs: CallCost[]): string[] {
  const rows = costs.map(({ name, commands, roundTrips }) => [name, String(commands), String(roundTrips)]);
  const title = "What one call costs";
  return [
    styleText("bold", title),
    ...tableLines(["", "commands, those in scripts counted", "round trips"], rows),
    "",
  ];
}

/** Every request of Node's own fetch. */
const REQUEST_CHANNEL = "undici:request:create";

async function contendersOver(wire: Wire): Promise<Contender[]> {
  return [...(await beforeTheCall(wire)), ...(await wholeCall(wire))];
}

async function medianOf(contender: Contender, counter: () => Promise<number>): Promise<number> {
  await warm(contender);
  const counts: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const before = await counter();
    await contender.call(0);
    counts.push((await counter()) - before);
  }
  return median(counts);
}

/** The property test finds bugs: each one here is planted in an otherwise sound ledger. */
import { AssertionError } from "node:assert/strict";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, it } from "vitest";
import { StoreDataError } from "../../src/errors.ts";
import { tcpTransport } from "../../src/redis/tcp.ts";
import { brokenTransport, type PlantedBug, plant } from "../chaos/broken-transport.ts";
import { brokenMemory, RULES_BUGS } from "./broken-rules.ts";
import { CORNER_CASES } from "./corner-cases.ts";
import { play } from "./play.ts";
import { playedMemory, playedRedis } from "./played-ledgers.ts";
import { PROPERTY_TIMEOUT_MS, type Sequence, sequences } from "./random-steps.ts";
import { SHORT_WAY_BUGS } from "./short-way-bugs.ts";
import { steadySequences } from "./steady-sequences.ts";
import type { PlayedLedger } from "./unreliable-wire.ts";

/** As many as each run of the tests plays, from one seed, so that what is found once is found always. */
const RUNS = { numRuns: 1_000, seed: 17, endOnFailure: true };

const client = new Redis(inject("redisUrl"));
const transport = tcpTransport(inject("redisUrl"));
afterAll(async () => {
  await transport.close?.();
  await client.quit();
});

/** The contradiction that is found first; undefined where none is. */
async function contradictionIn(
  ledgerOf: () => PlayedLedger,
  { drawn = sequences, ...runs }: fc.Parameters<[Sequence]> & { drawn?: fc.Arbitrary<Sequence> } = RUNS,
): Promise<unknown> {
  const property = fc.asyncProperty(drawn, async (beats) => {
    await play(ledgerOf(), beats);
  });
  const { errorInstance } = await fc.check(property, runs);
  return errorInstance ?? undefined;
}

/** The naive ledger's; or the store's own, when the bug has left what can't be: a script that fails is no finding. */
function expectContradiction(found: unknown): void {
  if (found instanceof StoreDataError) expect(found.message).toMatch(/^The field c of \S+ is not what/);
  else expect(found).toBeInstanceOf(AssertionError);
}

const LUA_BUGS: [name: string, bug: PlantedBug][] = [
  [
    "a settle that does not look at its id",
    {
      scripts: ["close"],
      line: "local closed = known.closed\nif not closed then",
      instead: "local closed = false\nif not isForeign then return end\nif not closed then",
    },
  ],
  [
    "a rollover that resets twice",
    {
      scripts: ["reserve", "record", "administer"],
      line: "window.start, window.stop, window.unsent = bounds.start, bounds.stop, true",
      instead: "window.unsent = true",
    },
  ],
  [
    "an expiry that forgets what was spent",
    {
      scripts: ["reserve", "record", "administer"],
      line: "if segment.start >= window.base then add(window.settled, segment.sum, 1) end",
      instead: "",
    },
  ],
  [
    "a float in the money",
    {
      scripts: ["close"],
      line: "return { amounts[1], amounts[2], counted[3] }",
      instead: "return { math.floor(amounts[1] / 1e9 * 1e6 + 0.5) * 1000, amounts[2], counted[3] }",
    },
  ],
  [
    "a late reserve that gets a part in the next attempt's hold",
    {
      scripts: ["reserve"],
      line: "if lists(givenUpOf(known), attempt) then refuse('GONE', at, {}, accounts) end",
      instead: "if known.kind == 'gone' then refuse('GONE', at, {}, accounts) end",
    },
  ],
  [
    "a reset that is applied twice",
    { scripts: ["administer"], line: "if known then", instead: "if known and action ~= 'reset' then" },
  ],
];

describe("The naive ledger finds, in the scripts,", () => {
  it.each(LUA_BUGS)("%s", async (_name, bug) => {
    const broken = brokenTransport(transport, plant(bug));
    expectContradiction(await contradictionIn(() => playedRedis(broken, client)));
  });
});

describe("The naive ledger finds, in the short ways of the scripts,", () => {
  const examples = CORNER_CASES.map((sequence): [Sequence] => [sequence]);
  const steady = { ...RUNS, drawn: steadySequences, examples };
  it.each(SHORT_WAY_BUGS)(
    "%s",
    async (_name, ...bugs) => {
      const broken = brokenTransport(transport, plant(...bugs));
      expectContradiction(await contradictionIn(() => playedRedis(broken, client), steady));
    },
    PROPERTY_TIMEOUT_MS,
  );
});

describe("The naive ledger finds, in the rules,", () => {
  it.each(RULES_BUGS)("%s", async (_name, bug) => {
    expectContradiction(await contradictionIn(() => brokenMemory(bug)));
  });
});

describe("The naive ledger finds nothing", () => {
  it(
    "where nothing was planted",
    async () => {
      const fewRuns = { ...RUNS, numRuns: 100 };
      expect(await contradictionIn(playedMemory, fewRuns)).toBeUndefined();
      expect(await contradictionIn(() => playedRedis(transport, client), fewRuns)).toBeUndefined();
      expect(await contradictionIn(() => brokenMemory({}), fewRuns)).toBeUndefined();
    },
    PROPERTY_TIMEOUT_MS,
  );
});

/** A provider on a bad day: random usage, failures, chunk boundaries and cuts, and a book of what it bills for each call. */
import { setImmediate } from "node:timers/promises";
import { type Random, randomOf } from "../../chaos/random.ts";
import type { Said } from "../support/dialects/dialect.ts";
import { dialectAt } from "../support/dialects/index.ts";
import { type Answer, askedOf, json, modelOf, type UpstreamRequest } from "../support/upstream.ts";
import { costNanoUsd } from "./bench.ts";
import { OUTPUT_TOKENS_MAX, type Sdk } from "./sdk.ts";

export interface Turbulence {
  answer: Answer;
  /** By the question, which names its call. */
  bills: Map<string, Bill>;
}

/** What the provider bills for all attempts of one call. */
export interface Bill {
  attempts: number;
  nanoUsd: number;
  /** One of the attempts broke off: its caller can't know the bill. */
  wasCut: boolean;
  /** What the last attempt said in full; undefined where it failed or was cut. */
  text: string | undefined;
}

const WORDS = ["alpha ", "βήτα ", "γ\n\n", "données: ", '"quoted" ', "👩‍💻 ", "終わり。", "[DONE] "];

/** The same seed, client and call give the same fate, in whatever order requests arrive. */
export function turbulence(sdk: Sdk, seed: number): Turbulence {
  const bills = new Map<string, Bill>();
  return {
    bills,
    async answer(request, response) {
      const question = /call-\d+/.exec(JSON.stringify(request.body))?.[0] ?? "";
      const bill = bills.get(question) ?? { attempts: 0, nanoUsd: 0, wasCut: false, text: undefined };
      bills.set(question, bill);
      bill.attempts += 1;
      bill.text = undefined;
      const random = randomOf(seed, sdk.name, question, bill.attempts);
      const fate = random.weighted([
        [10, "fails"],
        [15, "is cut"],
        [75, "answers"],
      ] as const);
      if (fate === "fails") {
        return json(sdk.refusal.body, 500, { "retry-after-ms": "1" })(request, response);
      }
      const said = randomSaid(random, request);
      bill.nanoUsd += costNanoUsd(sdk, said);
      if (fate === "is cut") bill.wasCut = true;
      else bill.text = said.words.join("");

      const { contentType, bytes } = wireForm(request, said);
      const sent = fate === "is cut" ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      response.writeHead(200, { "content-type": contentType });
      for (const piece of cutAtRandom(sent, random)) {
        response.write(piece);
        await setImmediate();
      }
      if (fate === "is cut") response.destroy();
      else response.end();
    },
  };
}

function randomSaid(random: Random, request: UpstreamRequest): Said {
  return {
    model: modelOf(request),
    inputTokens: 1 + random.below(900),
    outputTokens: 1 + random.below(OUTPUT_TOKENS_MAX),
    words: Array.from({ length: 1 + random.below(6) }, () => random.pick(WORDS)),
  };
}

function wireForm(request: UpstreamRequest, said: Said): { contentType: string; bytes: Uint8Array } {
  const dialect = dialectAt(request.path);
  if (dialect === undefined) throw new Error(`Nobody speaks ${request.path}.`);
  const asked = askedOf(request);
  return dialect.isStream(asked)
    ? { contentType: "text/event-stream", bytes: Buffer.from(dialect.events(said, asked).join("")) }
    : { contentType: "application/json", bytes: Buffer.from(JSON.stringify(dialect.answer(said, asked))) };
}

/** Anywhere, also in the middle of a character. */
function cutAtRandom(bytes: Uint8Array, random: Random): Uint8Array[] {
  const places = Array.from({ length: random.below(6) }, () => random.below(bytes.length + 1));
  const edges = [0, ...places.sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

/** What calls like this one used of late: `estimate: "typical"`, learned in this process alone. */
import { INPUT_COUNTS, OUTPUT_COUNTS, sumOf } from "../pricing/tokens.ts";
import { isGiven, type JsonObject } from "../providers/json.ts";
import type { ProviderCall, ReportedUsage } from "../providers/provider.ts";
import { type TokenBound, textBytes } from "./bound.ts";

/** A call as it will be sent. */
export interface TypicalCall {
  readonly provider: string;
  readonly call: ProviderCall;
  readonly body: JsonObject;
}

/** The last calls of one meter. */
export interface LastCalls {
  /**
   * What a call may be held at: never more than its strict bound, and that until three calls were seen. A call may use
   * more, up to the strict bound: it is booked in full, so a budget can be passed by that difference for each call in
   * flight, and the next call is refused.
   */
  estimate(call: TypicalCall, strict: TokenBound): TokenBound;
  /** Takes in what a call used, as its answer reports it. */
  learn(call: TypicalCall, usage: ReportedUsage): void;
}

const SAMPLES_LEAST = 3;
const INPUT_SAMPLES = 8;
const OUTPUT_SAMPLES = 20;
/** On the most that was seen. Of 595 recorded inputs 13 were above such an estimate, the worst 2.9 times. */
const INPUT_MARGIN = 1.25;
const INPUT_MARGIN_TOKENS = 64;
const OUTPUT_MARGIN = 1.5;
/** Scopes and models that are remembered; the one that was idle longest goes first. */
const REMEMBERED = 1_000;

interface Samples {
  /** Input tokens for each byte of text, newest last: of calls without tools, and with them. */
  readonly plain: number[];
  readonly withTools: number[];
  /** Output tokens for each choice, newest last. */
  readonly outputs: number[];
}

/** What a meter and its children have seen. */
export class TypicalUsage {
  readonly #samples = new Map<string, Samples>();

  /**
   * The last calls of a chain of scopes, leaf first. A scope that has seen too few goes by its parent's: children made
   * for one request know what the others used.
   */
  of(scopes: readonly string[]): LastCalls {
    const keysOf = ({ provider, call }: TypicalCall) =>
      scopes.map((scope) => JSON.stringify([scope, provider, call.model]));
    const lastOf = (call: TypicalCall, read: (samples: Samples) => number[]): number | undefined => {
      const known = keysOf(call).map((key) => this.#samples.get(key));
      const enough = known.find((samples) => samples && read(samples).length >= SAMPLES_LEAST);
      return enough && Math.max(...read(enough));
    };
    return {
      estimate(call, strict) {
        const tokensPerByte = lastOf(call, ratiosOf(call));
        const output = lastOf(call, ({ outputs }) => outputs);
        return {
          inputTokens: Math.min(strict.inputTokens, inputEstimate(call, tokensPerByte)),
          outputTokens: Math.min(strict.outputTokens, outputEstimate(call, output)),
        };
      },
      learn: (call, usage) => {
        const tokens = (kinds: typeof INPUT_COUNTS | typeof OUTPUT_COUNTS) =>
          usage.models.reduce((sum, model) => sum + sumOf(model.tokens, kinds), 0);
        const inputTokens = tokens(INPUT_COUNTS);
        const outputTokens = tokens(OUTPUT_COUNTS) / call.call.output.choices;
        for (const key of keysOf(call)) {
          const samples = this.#touch(key);
          if (isShownInFull(call.call)) {
            push(ratiosOf(call)(samples), inputTokens / textBytes(call.body), INPUT_SAMPLES);
          }
          push(samples.outputs, outputTokens, OUTPUT_SAMPLES);
        }
      },
    };
  }

  #touch(key: string): Samples {
    const samples = this.#samples.get(key) ?? { plain: [], withTools: [], outputs: [] };
    this.#samples.delete(key);
    this.#samples.set(key, samples);
    const [oldest] = this.#samples.keys();
    if (this.#samples.size > REMEMBERED && oldest !== undefined) this.#samples.delete(oldest);
    return samples;
  }
}

function inputEstimate({ call, body }: TypicalCall, tokensPerByte: number | undefined): number {
  const isBoundByText = !call.input.fillsContext && call.unbounded.length === 0;
  if (tokensPerByte === undefined || !isBoundByText) return Number.POSITIVE_INFINITY;
  const bytes = textBytes(body) - call.input.mediaCharacters;
  return Math.ceil(bytes * tokensPerByte * INPUT_MARGIN) + INPUT_MARGIN_TOKENS + call.input.allowanceTokens;
}

function outputEstimate({ call }: TypicalCall, outputTokens: number | undefined): number {
  if (outputTokens === undefined) return Number.POSITIVE_INFINITY;
  return Math.ceil(outputTokens * OUTPUT_MARGIN * call.output.choices);
}

/** Only such calls say how many tokens a byte of text makes. */
function isShownInFull({ input, unbounded }: ProviderCall): boolean {
  return !input.fillsContext && input.allowanceTokens === 0 && unbounded.length === 0;
}

/** Schemas of tools make more tokens than other text. */
function ratiosOf({ body }: TypicalCall): (samples: Samples) => number[] {
  const hasTools = Object.keys(body).some((field) => /^(tool|function)/.test(field) && isGiven(body[field]));
  return (samples) => (hasTools ? samples.withTools : samples.plain);
}

function push(samples: number[], sample: number, most: number): void {
  samples.push(sample);
  if (samples.length > most) samples.shift();
}

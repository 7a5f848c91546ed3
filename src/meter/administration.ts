/** What concerns one scope alone, whatever stands above it: reset, pause, resume. */
import { IdConflictError, InvalidOptionsError } from "../errors.ts";
import type { AdminAnswer } from "../ledger/store.ts";
import type { MeterContext } from "./context.ts";
import { scopeOperation } from "./operations.ts";
import { refuseUnknownNames } from "./settings.ts";

/** Up to 200 characters that print on one line. */
const REASON = /^[^\p{Cc}\p{Cs}\u2028\u2029]{1,200}$/u;

/** Clears what is settled and held, and the thresholds that fired; keeps limits and a pause. */
export async function reset(context: MeterContext): Promise<void> {
  applied(await context.store.reset(scopeOperation(context, context.scope, "reset")));
}

/** @throws InvalidOptionsError unless the reason is left out or 1 to 200 printable characters, and for another option. */
export async function pause(context: MeterContext, options: { reason?: string }): Promise<void> {
  refuseUnknownNames(options, ["reason"], "A pause");
  const { reason } = options;
  if (reason !== undefined && (typeof reason !== "string" || !REASON.test(reason))) {
    throw new InvalidOptionsError("The reason of a pause is 1 to 200 printable characters on one line.");
  }
  applied(await context.store.pause({ ...scopeOperation(context, context.scope, "pause"), reason }));
}

/** Admits calls again. Of a scope that is not paused it does nothing. */
export async function resume(context: MeterContext): Promise<void> {
  applied(await context.store.resume(scopeOperation(context, context.scope, "resume")));
}

/** @throws IdConflictError when two operations drew the same random id. */
export function applied(answer: AdminAnswer): void {
  if (answer.outcome === "conflict") throw new IdConflictError("Two operations drew the same random id.");
}

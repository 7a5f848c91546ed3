/** A mistake in what was typed or set: exit code 2. */

/** Its message names the flag or variable and never repeats a value that may be a secret. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

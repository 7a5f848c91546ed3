/** What every refusal of a store must be: typed, with a sentence, and without anything of the call. */
import { expect } from "vitest";

/** Stands as key and argument in calls that are expected to fail. */
export const SECRET = "s3cret-argument";

export async function expectRefused(
  call: Promise<unknown>,
  errorClass: new (...args: never[]) => Error,
  message: RegExp,
): Promise<void> {
  const error: unknown = await call.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("what was thrown is no Error");
  expect(error).toBeInstanceOf(errorClass);
  expect(error.message).toMatch(message);
  // Loggers print causes, and a client's own error repeats the whole command.
  expect(error.cause).toBeUndefined();
  expect(`${error.message} ${error.stack}`).not.toContain(SECRET);
}

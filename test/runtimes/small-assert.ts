/** What the cases use of `node:assert/strict`, for a runtime without Node's modules. */

/** Names and patterns that an error must have. */
type Expected = Record<string, unknown>;

export class AssertionError extends Error {
  override name = "AssertionError";
}

export function ok(value: unknown, message = `${shown(value)} is not truthy.`): asserts value {
  if (!value) throw new AssertionError(message);
}

export function equal(actual: unknown, expected: unknown, message?: string): void {
  if (!Object.is(actual, expected)) throw different(actual, expected, message);
}

export function deepEqual(actual: unknown, expected: unknown, message?: string): void {
  if (!isDeepEqual(actual, expected)) throw different(actual, expected, message);
}

export async function rejects(promise: Promise<unknown>, expected: Expected, message = ""): Promise<void> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome?.status !== "rejected") throw new AssertionError(`Missing expected rejection. ${message}`);
  const error: unknown = outcome.reason;
  for (const [name, wanted] of Object.entries(expected)) {
    const found: unknown = typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
    const matches =
      wanted instanceof RegExp ? typeof found === "string" && wanted.test(found) : isDeepEqual(found, wanted);
    if (!matches) throw different(found, wanted, `${message} ${name} of ${String(error)}`);
  }
}

/** Only dates, arrays and plain objects are looked into; anything else must be identical. */
function isDeepEqual(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (actual instanceof Date && expected instanceof Date) return Object.is(+actual, +expected);
  if (!isOpen(actual) || !isOpen(expected)) return false;
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  const names = Reflect.ownKeys(actual);
  return (
    names.length === Reflect.ownKeys(expected).length &&
    names.every(
      (name) =>
        Object.hasOwn(expected, name) && isDeepEqual(Reflect.get(actual, name), Reflect.get(expected, name)),
    )
  );
}

function isOpen(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Array.prototype || prototype === Object.prototype || prototype === null;
}

function different(actual: unknown, expected: unknown, message = ""): AssertionError {
  return new AssertionError(`${message} Expected ${shown(expected)}, got ${shown(actual)}.`.trim());
}

/** JSON would leave out `undefined`. */
function shown(value: unknown): string {
  return (
    JSON.stringify(value, (_name, part: unknown) => (part === undefined ? "undefined" : part)) ?? "nothing"
  );
}

/** Puts a meter under a client that exists already, and under every copy that it makes of itself. */
import { InvalidOptionsError } from "../errors.ts";
import { refusalIn } from "./deny.ts";
import { type MeteredFetch, meterOf } from "./metered-fetch.ts";

type Fetch = typeof globalThis.fetch;

/** Makes a metered fetch over the one that a client had; every call with the same meter. */
export type MeteredFetchFactory = (underlying: Fetch) => MeteredFetch;

/**
 * Meters an `openai` client (or one of its kin: `AzureOpenAI`, `groq-sdk`), and what its `withOptions` returns.
 *
 * @returns the same client.
 * @throws InvalidOptionsError for what is no such client, for one that is metered by another meter, and for one whose
 *   requests do not pass its `fetch` (X.509 identities).
 */
export function instrumentOpenAIClient<C extends object>(client: C, metered: MeteredFetchFactory): C {
  return instrument(client, metered, { name: "OpenAI", resource: "chat" });
}

/**
 * Meters an `@anthropic-ai/sdk` client, and what its `withOptions` returns.
 *
 * @returns the same client.
 * @throws InvalidOptionsError for what is no such client, and for one that is metered by another meter.
 */
export function instrumentAnthropicClient<C extends object>(client: C, metered: MeteredFetchFactory): C {
  return instrument(client, metered, { name: "Anthropic", resource: "messages" });
}

interface ClientKind {
  readonly name: string;
  /** What such a client has. */
  readonly resource: string;
}

/** What the clients made by Stainless have in common; seen in openai 4.104 to 7.57 and @anthropic-ai/sdk 0.137 to 1.12. */
interface SdkClient {
  fetch: Fetch;
  withOptions?: (options: unknown) => unknown;
  makeStatusError?: (status: number, error: object, message: string, headers: Headers) => unknown;
}

/** Every client that was instrumented, with what meters its copies. */
const instrumented = new WeakMap<object, MeteredFetchFactory>();

function instrument<C extends object>(client: C, metered: MeteredFetchFactory, kind: ClientKind): C {
  assertClient(client, kind);
  const present = meterOf(client.fetch);
  const replacement = metered(client.fetch);
  if (present !== undefined && present !== meterOf(replacement)) {
    throw new InvalidOptionsError(
      `This ${kind.name} client is metered by another meter already. Make a client of its own for each meter.`,
    );
  }
  client.fetch = curingErrors(present === undefined ? replacement : client.fetch, sdkRootPrototype(client));
  // Its fetch may have been replaced since it was metered first; its `withOptions` is wrapped once.
  if (!instrumented.has(client)) wrapWithOptions(client, kind);
  instrumented.set(client, metered);
  return client;
}

function assertClient(client: object, kind: ClientKind): asserts client is SdkClient {
  const isClient =
    typeof client === "object" &&
    client !== null &&
    "fetch" in client &&
    typeof client.fetch === "function" &&
    kind.resource in client;
  if (!isClient) {
    throw new InvalidOptionsError(
      `This is no ${kind.name} client: it has no \`${kind.resource}\` or no \`fetch\` to put a meter under. ` +
        `Hand meter.fetch to the client's own \`fetch\` option instead.`,
    );
  }
  if (usesX509(client)) {
    throw new InvalidOptionsError(
      "This client authenticates with an X.509 identity and sends its requests by a fetch of its own, past every meter.",
    );
  }
}

function usesX509(client: object): boolean {
  const options = "_options" in client ? client._options : undefined;
  return (
    typeof options === "object" &&
    options !== null &&
    "x509Transport" in options &&
    Boolean(options.x509Transport)
  );
}

/** A copy is a new client: some versions give it the fetch of its own options, or none at all. */
function wrapWithOptions(client: SdkClient, kind: ClientKind): void {
  const { withOptions } = client;
  if (typeof withOptions !== "function") return;
  client.withOptions = (options) => {
    const copy = withOptions.call(client, options);
    const metered = instrumented.get(client);
    if (typeof copy !== "object" || copy === null || metered === undefined) return copy;
    return instrument(copy, metered, kind);
  };
}

/** The root of the SDK's own errors, found without importing the SDK. */
function sdkRootPrototype(client: SdkClient): object | undefined {
  let root: object | null;
  try {
    root = Object.getPrototypeOf(client.makeStatusError?.(402, {}, "", new Headers()) ?? null);
  } catch {
    return undefined;
  }
  while (root !== null) {
    const above: object | null = Object.getPrototypeOf(root);
    if (above === Error.prototype) return root;
    root = above;
  }
  return undefined;
}

/**
 * Streaming helpers of the SDKs wrap every error that is not of the SDK's own family. A refusal joins the family: it
 * keeps its class, its methods and its identity, and `instanceof` holds for both.
 */
function curingErrors(metered: Fetch, root: object | undefined): Fetch {
  if (root === undefined || curing.has(metered)) return metered;
  const families = new WeakMap<object, object>();
  const cured: Fetch = async (input, init) => {
    const response = await metered(input, init);
    const error = refusalIn(response);
    if (error instanceof Error) join(error, root, families);
    return response;
  };
  curing.add(cured);
  return Object.assign(cured, metered);
}

const curing = new WeakSet<Fetch>();

function join(error: Error, root: object, families: WeakMap<object, object>): void {
  const own: object = Object.getPrototypeOf(error);
  const family = families.get(own) ?? grafted(own, root);
  families.set(own, family);
  Object.setPrototypeOf(error, family);
}

/** A copy of a prototype chain that ends in `root` in place of `Error.prototype`. */
function grafted(prototype: object, root: object): object {
  if (prototype === Error.prototype) return root;
  return Object.create(
    grafted(Object.getPrototypeOf(prototype), root),
    Object.getOwnPropertyDescriptors(prototype),
  );
}

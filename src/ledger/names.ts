/** The alphabets of names: checked once, so that they are safe in keys, terminals, CSV and logs. */
import { InvalidScopeError } from "../errors.ts";

/** Scopes in one chain, the leaf included. */
export const MAX_CHAIN_LENGTH = 8;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$/;
const NAMESPACE = /^[a-z0-9][a-z0-9-]{0,31}$/;
const NAME_RULE = "1 to 128 characters of A-Z a-z 0-9 . _ : @ / + = -, beginning with a letter or digit";

/** @throws InvalidScopeError unless the value is a scope's name. */
export function parseScope(value: unknown): string {
  return parseName("scope", value, NAME, NAME_RULE);
}

const AGENT_PREFIX = "agent:";

/** The scope of an agent's budgets. @throws InvalidScopeError unless it is a scope's name. */
export function agentScope(agentId: string): string {
  return parseScope(`${AGENT_PREFIX}${agentId}`);
}

/** The agent whose scope it is; undefined for scopes of another kind. */
export function agentIdOf(scope: string): string | undefined {
  return scope.startsWith(AGENT_PREFIX) ? scope.slice(AGENT_PREFIX.length) : undefined;
}

/** @throws InvalidScopeError unless the value is an operation's id. */
export function parseId(value: unknown): string {
  return parseName("id", value, NAME, NAME_RULE);
}

/** @throws InvalidScopeError unless the value is a namespace. */
export function parseNamespace(value: unknown): string {
  const rule = "1 to 32 characters of a-z 0-9 -, beginning with a letter or digit";
  return parseName("namespace", value, NAMESPACE, rule);
}

/** @throws InvalidScopeError when a scope occurs twice, or the chain is empty or longer than {@link MAX_CHAIN_LENGTH}. */
export function checkChain(scopes: readonly string[]): void {
  if (scopes.length === 0) throw new InvalidScopeError("A chain needs at least one scope.");
  if (scopes.length > MAX_CHAIN_LENGTH) {
    throw new InvalidScopeError(
      `A chain holds at most ${MAX_CHAIN_LENGTH} scopes; this one has ${scopes.length}.`,
    );
  }
  const twice = scopes.find((scope, index) => scopes.indexOf(scope) !== index);
  if (twice !== undefined) throw new InvalidScopeError(`The scope ${twice} stands twice in its own chain.`);
}

function parseName(kind: string, value: unknown, pattern: RegExp, rule: string): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new InvalidScopeError(`Not a valid ${kind}: ${shown(value)}. It has ${rule}.`);
}

/** A value for a message: its type, or the beginning of its text. */
export function shown(value: unknown): string {
  if (typeof value !== "string") return value === null ? "null" : typeof value;
  const text = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  return JSON.stringify(text);
}

/** A route as data: one row of the table that the app, and the test of every route, are made of. */
import type * as v from "valibot";
import type { Store } from "../ledger/store.ts";
import type { UsageMeter } from "../meter.ts";
import type { Role } from "./access.ts";
import { validated } from "./validate.ts";

/** The call that a handler answers. */
export interface AdminCall {
  store: Store;
  namespace: string;
  role: Role;
  /** A meter of a chain, leaf first. @throws InvalidScopeError for an empty one. */
  meter(chain: readonly string[]): UsageMeter;
}

export interface Route {
  method: "GET" | "PUT" | "POST";
  /** `/v1/scopes/{scope}`; a parameter is one segment, percent-encoded. */
  path: string;
  /** The least that its caller has to be. */
  role: Role;
  /** Of the path's parameters. */
  params: v.GenericSchema;
  /** Of the body; of a GET none is read. */
  body: v.GenericSchema;
  maxBodyBytes: number;
  /**
   * Validates both, and answers with what becomes JSON.
   *
   * @throws RequestProblem 400; AgentLimitError.
   */
  answer(call: AdminCall, raw: { params: unknown; body: unknown }): Promise<object>;
}

/** A row as it is written: its handler gets what its schemas give. */
interface Row<P, B> extends Pick<Route, "method" | "path" | "role"> {
  params: v.GenericSchema<unknown, P>;
  body: v.GenericSchema<unknown, B>;
  /** @default 65536 */
  maxBodyBytes?: number;
  handler(call: AdminCall, input: { params: P; body: B }): Promise<object>;
}

const MAX_BODY_BYTES = 64 * 1024;

export function route<P, B>({ maxBodyBytes = MAX_BODY_BYTES, handler, ...row }: Row<P, B>): Route {
  return {
    ...row,
    maxBodyBytes,
    answer: async (call, raw) =>
      handler(call, { params: validated(row.params, raw.params), body: validated(row.body, raw.body) }),
  };
}

/** Who calls: the owner by a bearer token, or anyone without one. */
import { InvalidOptionsError } from "../errors.ts";
import { RequestProblem } from "./problem.ts";

/** What a caller may do; the owner may do what anyone may. */
export type Role = "anyone" | "owner";

export interface Access {
  /**
   * The role that an `Authorization` header gives.
   *
   * @throws RequestProblem 401 for a token that is not known, on every route: nobody shall take a wrong one for a right one.
   */
  roleOf(authorization: string | undefined): Promise<Role>;
}

const MIN_TOKEN_CHARACTERS = 32;
const TOKEN = new RegExp(`^[\\x21-\\x7e]{${MIN_TOKEN_CHARACTERS},}$`);
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Access by the owner's token alone.
 *
 * @throws InvalidOptionsError unless the token has at least 32 printable ASCII characters and no spaces; it is not repeated.
 */
export function ownerAccess(ownerToken: string): Access {
  if (typeof ownerToken !== "string" || !TOKEN.test(ownerToken)) {
    throw new InvalidOptionsError(
      `The owner's token must have at least ${MIN_TOKEN_CHARACTERS} characters, printable ASCII without spaces: openssl rand -base64 32`,
    );
  }
  const roles = new Map<string, Role>();
  return {
    async roleOf(authorization) {
      if (authorization === undefined) return "anyone";
      const token = BEARER.exec(authorization)?.[1] ?? "";
      if (roles.size === 0) roles.set(await digest(ownerToken), "owner");
      // Looked up by its digest: how long that takes says nothing about the token.
      const role = roles.get(await digest(token));
      if (role === undefined) throw unauthorized("This token is not the owner's.", ', error="invalid_token"');
      return role;
    },
  };
}

/** @throws RequestProblem 401 unless `role` may do what `needed` may. */
export function requireRole(needed: Role, role: Role): void {
  if (needed === "owner" && role !== "owner") {
    throw unauthorized("This needs the owner's token: Authorization: Bearer …", "");
  }
}

function unauthorized(detail: string, challenge: string): RequestProblem {
  const headers = { "www-authenticate": `Bearer realm="agentlimit"${challenge}` };
  return new RequestProblem({ status: 401, code: "UNAUTHORIZED", detail, headers });
}

async function digest(token: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Who may do what: the token of a request, compared without telling anything by the time that it takes. */
import { createHash, timingSafeEqual } from "node:crypto";
import { InvalidOptionsError } from "../errors.ts";

/** `read`: the caller sent the read-only token. */
export type Access = "full" | "read";

export interface Tokens {
  /** What callers send as `Authorization: Bearer …`. */
  token: string;
  /** What callers send who may only read: see `READ_COMMANDS`. Left out: there is no such token. */
  readOnlyToken?: string | undefined;
}

/** Undefined for who may do nothing. */
export type AccessCheck = (authorization: string | undefined) => Access | undefined;

/** @throws InvalidOptionsError a token that is empty or can't stand in a header, or the same one twice. */
export function accessCheck({ token, readOnlyToken }: Tokens): AccessCheck {
  const full = digest(checked(token, "token"));
  if (token === readOnlyToken) throw new InvalidOptionsError("The bridge's two tokens must not be the same.");
  // Without a read-only token the same work is done against the other one, and does not count.
  const read = readOnlyToken === undefined ? full : digest(checked(readOnlyToken, "readOnlyToken"));
  return (authorization) => {
    const given = digest(/^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
    const isFull = timingSafeEqual(given, full);
    const isRead = timingSafeEqual(given, read);
    if (isFull) return "full";
    return isRead ? "read" : undefined;
  };
}

function checked(token: string, option: string): string {
  if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new InvalidOptionsError(
    `The bridge's ${option} must be a text that is not empty, of ASCII without spaces and line breaks.`,
  );
}

/** Of one length, whatever the token's. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** What a replay finds out, and how it reaches the local server. */
import type { Upstream } from "../support/upstream.ts";

/** What became of one record: nothing where it passed. */
export type Finding = { kind: "failed" | "skipped"; why: string } | undefined;

export function failed(why: string): Finding {
  return { kind: "failed", why };
}

export function skipped(why: string): Finding {
  return { kind: "skipped", why };
}

/** Takes a provider's calls to the local server. */
export function sentTo(upstream: Upstream): typeof fetch {
  return (input, init) => {
    const { pathname, search } = new URL(String(input));
    return fetch(`${upstream.url}${pathname}${search}`, init);
  };
}

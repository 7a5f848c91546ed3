/** A request as a caller hands it to `fetch`, in any of its forms. */

export interface IncomingRequest {
  /** Undefined for an address that is not absolute. */
  readonly url: URL | undefined;
  /** In capitals. */
  readonly method: string;
  readonly headers: Headers;
  readonly signal: AbortSignal | undefined;
  /** The body as text; undefined where there is none, and for forms, streams and what is no UTF-8. */
  text(): Promise<string | undefined>;
  /** The request for somebody who wants to look at it. */
  copy(): Request;
  /** The arguments for the `fetch` underneath. Without a new body, the old one goes out as it came. */
  arguments(changes: { body?: string | undefined; signal: AbortSignal }): [RequestInfo | URL, RequestInit];
}

export function incomingRequest(input: RequestInfo | URL, init: RequestInit = {}): IncomingRequest {
  const request = input instanceof Request ? input : undefined;
  const headers = new Headers(init.headers ?? request?.headers);
  const hasOwnBody = init.body !== undefined && init.body !== null;
  let text: Promise<string | undefined> | undefined;
  return {
    url: parseUrl(request?.url ?? String(input)),
    method: (init.method ?? request?.method ?? "GET").toUpperCase(),
    headers,
    signal: init.signal ?? request?.signal ?? undefined,
    text() {
      text ??= hasOwnBody ? Promise.resolve(textOf(init.body)) : textOfRequest(request);
      return text;
    },
    copy: () => new Request(request?.clone() ?? input, init),
    arguments({ body, signal }) {
      if (body === undefined) return [input, { ...init, signal }];
      const changed = new Headers(headers);
      changed.delete("content-length");
      return [input, { ...init, headers: changed, body, signal }];
    },
  };
}

/** Where a request goes, for messages: paths may hold secrets, so only a last part that is a plain word is shown. */
export function shownAddress({ host, pathname }: URL): string {
  const last = /\/([a-z][a-z_-]{0,31})\/*$/.exec(pathname)?.[1];
  return last === undefined ? host : `${host}/…/${last}`;
}

function parseUrl(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

function textOf(body: unknown): string | undefined {
  if (typeof body === "string") return body;
  if (!(body instanceof ArrayBuffer) && !ArrayBuffer.isView(body)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** Reads a copy: a refused request is left as its caller gave it. */
async function textOfRequest(request: Request | undefined): Promise<string | undefined> {
  if (request === undefined || request.body === null) return undefined;
  return textOf(await request.clone().arrayBuffer());
}

/** Whether the body is compressed, or says that it is other text than UTF-8. */
export function isEncoded(headers: Headers): boolean {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers.get("content-type") ?? "")?.[1];
  return (
    !["", "identity"].includes(encoding) || !["utf-8", "utf8"].includes(charset?.toLowerCase() ?? "utf-8")
  );
}

/** Whether the body is signed, so that no byte of it may change (AWS Signature Version 4). */
export function isSigned(headers: Headers): boolean {
  return headers.has("x-amz-content-sha256") || (headers.get("authorization")?.startsWith("AWS4-") ?? false);
}

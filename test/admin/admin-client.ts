/** Requests to the admin API, in this process or at an address, as any HTTP client sends them. */

/** As long as it has to be. */
export const OWNER_TOKEN = "owner-token-for-tests-0123456789abcdef";

export interface AdminAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

export type Send = (path: string, init: RequestInit) => Response | Promise<Response>;

/** Asks as the owner, in JSON. A text is sent as it is. */
export function ownerClient(send: Send) {
  return async (method: string, path: string, body?: unknown): Promise<AdminAnswer> => {
    const headers = new Headers({ authorization: `Bearer ${OWNER_TOKEN}` });
    if (body !== undefined) headers.set("content-type", "application/json");
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    return answerOf(await send(path, { method, headers, ...(text === undefined ? {} : { body: text }) }));
  };
}

export async function answerOf(response: Response): Promise<AdminAnswer> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

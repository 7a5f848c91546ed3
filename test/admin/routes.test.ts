/** Every route of the table, without the owner's token and with requests that it has to refuse. */
import { describe, expect, it } from "vitest";
import { adminApp } from "../../src/admin/index.ts";
import { ROUTES } from "../../src/admin/routes.ts";
import { createStore } from "../../src/ledger/backed-store.ts";
import { MemoryBackend } from "../../src/ledger/memory-store.ts";
import { answerOf, OWNER_TOKEN, ownerClient } from "./admin-client.ts";

const backend = new MemoryBackend({});
const app = adminApp({ store: createStore(backend), ownerToken: OWNER_TOKEN });
const asOwner = ownerClient((path, init) => app.request(path, init));

const JSON_HEADERS = { "content-type": "application/json" };
const ownedRoutes = ROUTES.filter((route) => route.role === "owner");
const writingRoutes = ROUTES.filter((route) => route.method !== "GET");
const examplePath = (path: string) => path.replace("{scope}", "user%3A1");

describe.each(ROUTES)("$method $path", ({ method, path }) => {
  const url = examplePath(path);

  it("refuses a wrong token with 401", async () => {
    for (const authorization of [
      `Bearer ${OWNER_TOKEN}x`,
      "Bearer",
      `Basic ${OWNER_TOKEN}`,
      OWNER_TOKEN,
      "",
    ]) {
      const answer = await answerOf(await app.request(url, { method, headers: { authorization } }));
      expect([answer.status, authorization]).toEqual([401, authorization]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="agentlimit", error=/);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    }
  });

  it("refuses a namespace outside its alphabet, a second one, and any other query", async () => {
    for (const [query, field] of [
      ["namespace=UPPER", "namespace"],
      ["namespace=a&namespace=b", "namespace"],
      ["namespce=a", "namespce"],
    ]) {
      const answer = await asOwner(method, `${url}?${query}`, method === "GET" ? undefined : {});
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ errors: [{ path: field }] });
    }
  });

  it("answers other methods with 405 and those that it knows", async () => {
    const answer = await asOwner("DELETE", url);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(method === "GET" ? "GET, HEAD" : method);
    expect(answer.body).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });
});

describe.each(ownedRoutes)("$method $path, for the owner alone", ({ method, path }) => {
  it("refuses a request without a token with 401, whatever its body", async () => {
    for (const body of [undefined, "{", "x".repeat(2_000_000)]) {
      if (body !== undefined && method === "GET") continue;
      const init = body === undefined ? { method } : { method, body, headers: JSON_HEADERS };
      const answer = await answerOf(await app.request(examplePath(path), init));
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="agentlimit"');
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.body).toMatchObject({ code: "UNAUTHORIZED" });
    }
  });
});

describe.each(writingRoutes)(
  "$method $path reads JSON of a bounded size",
  ({ method, path, maxBodyBytes }) => {
    const url = examplePath(path);
    const send = async (body: BodyInit, headers: Record<string, string> = JSON_HEADERS) => {
      const init = {
        method,
        body,
        headers: { authorization: `Bearer ${OWNER_TOKEN}`, ...headers },
        duplex: "half",
      };
      return answerOf(await app.request(url, init));
    };

    it.each(["{", "undefined", '{"a":1}}'])("refuses %s, which is no JSON, with 400", async (body) => {
      const answer = await send(body);
      expect(answer.body).toMatchObject({
        status: 400,
        code: "INVALID_OPTIONS",
        detail: "The body is not JSON.",
      });
    });

    it("refuses JSON that is not in UTF-8 with 400", async () => {
      const [open, close] = ['{"reason":"', '"}'].map((text) => new TextEncoder().encode(text));
      for (const bytes of [[0xff], [0xf0, 0x9f]]) {
        const answer = await send(Uint8Array.from([...(open ?? []), ...bytes, ...(close ?? [])]));
        expect(answer.body).toMatchObject({ status: 400, detail: "The body is not in UTF-8." });
      }
    });

    it.each(["null", "[]", "1", '"text"'])("refuses %s, which is no object, with 400", async (body) => {
      expect((await send(body)).body).toMatchObject({ status: 400, code: "INVALID_OPTIONS" });
    });

    it("refuses a field that it does not know, and names it", async () => {
      for (const field of ["chian", "constructor", "__proto__"]) {
        const answer = await send(`{ "${field}": 1 }`);
        expect(answer.status).toBe(400);
        expect(JSON.stringify(answer.body)).toContain(
          `{"path":"${field}","message":"There is no such field."}`,
        );
      }
    });

    it("refuses another type than JSON with 415", async () => {
      const types = ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"];
      for (const type of types) {
        expect((await send("{}", { "content-type": type })).body).toMatchObject({
          code: "UNSUPPORTED_MEDIA_TYPE",
        });
      }
      const untyped = new Uint8Array([0x7b, 0x7d]);
      expect((await send(untyped, {})).status).toBe(415);
    });

    it("refuses a body above its limit with 413, with and without content-length", async () => {
      const bytes = new TextEncoder().encode(`{"reason":"${"x".repeat(maxBodyBytes)}"}`);
      const withLength = await send(bytes, { ...JSON_HEADERS, "content-length": String(bytes.length) });
      expect([withLength.status, withLength.body]).toMatchObject([413, { code: "BODY_TOO_LARGE" }]);
      const streamed = await send(new Blob([bytes]).stream());
      expect(streamed.status).toBe(413);
      const understated = await send(new Blob([bytes]).stream(), { ...JSON_HEADERS, "content-length": "2" });
      expect(understated.status).toBe(413);
    });
  },
);

describe("what is no route", () => {
  it("is 404 for the owner, and 401 for others", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v1/scopes",
      "/v1/scopes/org/acme",
      "/v1/scopes/user%3A1/",
      "/v1/calls/refund",
    ]) {
      expect((await asOwner("GET", path)).body).toMatchObject({ status: 404, code: "NOT_FOUND" });
      expect((await app.request(path)).status).toBe(401);
    }
  });
});

describe("all of that", () => {
  it("wrote nothing", () => {
    const { accounts, operations, log } = backend.namespace("default");
    expect([accounts.size, operations.size, log.length]).toEqual([0, 0, 0]);
  });
});

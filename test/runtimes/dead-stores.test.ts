/** Dead stores in each runtime: refused within 1.5 s with the cause and without a secret, and nothing is sent. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { packageCommand, runToEnd } from "../examples/child-process.ts";
import * as broken from "../support/broken-stores.ts";
import { freePort } from "../support/redis-server.ts";
import { SECRET } from "../support/refusals.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { edgeCommand } from "./edge-bundle.ts";
import type { Refused } from "./refusals.ts";

/** What the promise is, with the default deadline of 1 s. */
const LIMIT_MS = 1500;
/** A run takes some seconds: connections are given up after the calls. */
const RUN_DEADLINE_MS = 15_000;

const ACCESS = /refused the token, the password or their permissions: check them/;
const WRONG_TOKEN = '{"error":"WRONGPASS invalid or missing auth token"}';

type Fault = [name: string, start: broken.Broken, says: RegExp];

const REST_FAULTS: Fault[] = [
  ["REST that is not there", broken.rest.nobodyListens, /can't be reached \(ECONNREFUSED\)/],
  ["REST that hangs up", broken.rest.hangsUp, /can't be reached \((ECONNRESET|UND_ERR_SOCKET)\)/],
  ["REST that never answers", broken.rest.hangs, /did not answer within 1000 ms/],
  ["REST that begins an answer and stops", broken.rest.stops, /did not answer within 1000 ms/],
  ["REST that refuses the token", broken.rest.answer(401, WRONG_TOKEN), ACCESS],
  ["REST that is a web site", broken.rest.answer(200, "<html>"), /other than Redis' REST API answered/],
  ["REST that answers null", broken.rest.answer(200, "null"), /no answer that it can read/],
];

const TCP_FAULTS: Fault[] = [
  ["TCP that is not there", broken.nobodyListens, /can't be reached \(ECONNREFUSED\)/],
  ["TCP that hangs up", broken.hangsUp, /within 1000 ms.*(can't be reached|is closed)/],
  ["TCP that hangs", broken.hangs, /did not answer within 1000 ms/],
  ["TCP that has another password", broken.hasAnotherPassword, ACCESS],
  ["TCP that is a web server", broken.isAWebServer, /something other than Redis answers/],
];

const DENO = [packageCommand("deno"), "run", "--no-prompt", "--no-lock", "--node-modules-dir=manual"];
const SOCKETS = "test/runtimes/refusals.sockets.ts";

type Command = (settings: Record<string, string>) => string[];

const bun: Command = () => [packageCommand("bun"), "run", SOCKETS];
const deno: Command = () => [...DENO, "--allow-net", "--allow-env", SOCKETS];
const edge: Command = (settings) => edgeCommand("test/runtimes/refusals.edge.ts", settings);

describe.each([
  { runtime: "Bun", command: bun, faults: [...REST_FAULTS, ...TCP_FAULTS] },
  { runtime: "Deno", command: deno, faults: [...REST_FAULTS, ...TCP_FAULTS] },
  { runtime: "the edge runtime", command: edge, faults: REST_FAULTS },
])("In $runtime, a call", ({ command, faults }) => {
  let upstream: Upstream;
  let refusals: Refused[];
  const closes: (() => unknown)[] = [];

  beforeAll(async () => {
    upstream = await startUpstream();
    const addresses: Record<string, string> = {};
    for (const [name, start] of faults) addresses[name] = await start((close) => closes.unshift(close));
    refusals = await refusalsOf(command, addresses, upstream);
  }, 40_000);
  afterAll(async () => {
    for (const close of closes) await close();
    await upstream.close();
  });

  it.each(faults)("over %s is refused in time, with the cause", (name, _start, says) => {
    const refused = refusals.find(({ store }) => store === name);
    expect(refused).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringMatching(says) });
    expect(refused?.elapsedMs).toBeLessThan(LIMIT_MS);
    expect(refused?.message).not.toContain(SECRET);
  });

  it("that is refused is not sent", () => {
    expect(refusals).toHaveLength(faults.length);
    expect(upstream.requests).toEqual([]);
  });
});

describe("Deno without the permission to reach the store", () => {
  it.each(["http", "redis"])("is told which one it needs, over %s", async (protocol) => {
    const upstream = await startUpstream();
    onTestFinished(() => upstream.close());
    const address = `${protocol}://127.0.0.1:${await freePort()}`;
    const withoutNet: Command = () => [...DENO, "--allow-env", SOCKETS];
    const [refused] = await refusalsOf(withoutNet, { address }, upstream);
    expect(refused).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/Deno does not allow .* run it with --allow-net\.$/),
    });
  });
});

async function refusalsOf(
  command: Command,
  addresses: Record<string, string>,
  upstream: Upstream,
): Promise<Refused[]> {
  const settings = {
    ADDRESSES: JSON.stringify(addresses),
    TOKEN: SECRET,
    UPSTREAM_URL: upstream.url,
    DENO_NO_UPDATE_CHECK: "1",
  };
  const finished = await runToEnd(command(settings), settings, RUN_DEADLINE_MS);
  expect(finished).toMatchObject({ exitCode: 0, stderr: "" });
  return finished.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): Refused => JSON.parse(line));
}

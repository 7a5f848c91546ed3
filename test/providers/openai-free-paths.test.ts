/** Every POST that the openai package can send, read out of its sources: metered, free, or refused. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { routeOf } from "../../src/providers/index.ts";

const folder = join(import.meta.dirname, "../../node_modules/openai");
const PATH = String.raw`(?:path )?['\`]([^'\`]+)['\`]`;
const POSTS = [String.raw`\.post\(\s*${PATH}`, String.raw`getAPIList\(\s*${PATH}[^;]*method: 'post'`];
const POST = new RegExp([...POSTS, String.raw`path: ${PATH},\s*method: 'post'`].join("|"), "g");

function postedPaths(): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sources = files.filter((name) => /^(?:resources|lib)\/.*\.mjs$/.test(name));
  const paths = sources.flatMap((name) => {
    const found = readFileSync(join(folder, name), "utf8").matchAll(POST);
    return [...found].map((match) => match.slice(1).find((path) => path !== undefined) ?? "");
  });
  return [...new Set(paths.map((path) => path.replace(/\$\{[^}]+\}/g, "chatcmpl-1")))].sort();
}

const paths = postedPaths();
const pathsThatAre = (kind: string) =>
  paths.filter((path) => routeOf("POST", new URL(`https://api.openai.com/v1${path}`)).kind === kind);
const isAdministration = (path: string) => /^\/(?:organization|projects)\//.test(path);

describe("Of the POSTs of the openai package", () => {
  it("more than a hundred are known", () => {
    expect(paths.length).toBeGreaterThan(100);
  });

  it("these are metered", () => {
    expect(pathsThatAre("call")).toEqual([
      "/chat/completions",
      "/embeddings",
      "/responses",
      "/responses?beta=true",
    ]);
  });

  it("administration is free, all of it", () => {
    const administration = paths.filter(isAdministration);
    expect(administration.length).toBeGreaterThan(30);
    expect(pathsThatAre("free").filter(isAdministration)).toEqual(administration);
  });

  it("these are free besides: they upload, moderate, keep state, or end what spends", () => {
    const free = pathsThatAre("free").filter((path) => !isAdministration(path));
    expect(free.map((path) => path.replaceAll("chatcmpl-1", "ID"))).toEqual([
      "/agents/automations/ID/pause",
      "/agents/environments/ID/files",
      "/batches/ID/cancel",
      "/chat/completions/ID",
      "/chatkit/sessions/ID/cancel",
      "/containers/ID/files",
      "/conversations",
      "/conversations/ID",
      "/conversations/ID/items",
      "/evals/ID/runs/ID/cancel",
      "/files",
      "/fine_tuning/alpha/graders/validate",
      "/fine_tuning/checkpoints/ID/permissions",
      "/fine_tuning/jobs/ID/cancel",
      "/fine_tuning/jobs/ID/pause",
      "/live/sessions/ID/hangup",
      "/live/sessions/ID/reject",
      "/moderations",
      "/realtime/calls/ID/hangup",
      "/realtime/calls/ID/reject",
      "/responses/ID/cancel",
      "/responses/ID/cancel?beta=true",
      "/responses/input_tokens",
      "/responses/input_tokens?beta=true",
      "/threads/ID/runs/ID/cancel",
      "/uploads",
      "/uploads/ID/cancel",
      "/uploads/ID/complete",
      "/uploads/ID/parts",
      "/vaults",
      "/vaults/ID",
      "/vaults/ID/credentials",
      "/vaults/ID/credentials/ID",
      "/vector_stores",
      "/vector_stores/ID",
      "/vector_stores/ID/file_batches",
      "/vector_stores/ID/file_batches/ID/cancel",
      "/vector_stores/ID/files",
      "/vector_stores/ID/files/ID",
      "/webhook_endpoints",
      "/webhook_endpoints/ID",
      "/webhook_endpoints/ID/rotate_secret",
      "/webhook_endpoints/ID/test",
    ]);
  });

  it.each([
    "/agents/sessions",
    "/audio/speech",
    "/audio/transcriptions",
    "/batches",
    "/chatkit/sessions",
    "/completions",
    "/containers",
    "/decisions",
    "/evals/ID/runs",
    "/fine_tuning/alpha/graders/run",
    "/fine_tuning/jobs",
    "/fine_tuning/jobs/ID/resume",
    "/images/edits",
    "/images/generations",
    "/live/sessions",
    "/realtime/calls",
    "/realtime/client_secrets",
    "/responses/compact",
    "/responses/compact?beta=true",
    "/skills",
    "/threads/ID/runs",
    "/threads/runs",
    "/vector_stores/ID/search",
    "/videos",
  ])("all others are refused, such as %s", (path) => {
    expect(pathsThatAre("unknown")).toContain(path.replaceAll("ID", "chatcmpl-1"));
  });
});

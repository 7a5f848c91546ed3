/**
 * POSTs of OpenAI's platform that it bills nothing for, each named once: uploads, moderation, keeping of state, whatever
 * ends spending, administration. All others are refused, as far as no provider file meters them: what generates (audio,
 * images, videos, decisions), runs (evals, graders, threads, agents), trains, is billed by the hour (containers), or
 * opens a session that a `fetch` does not see (realtime, live, chatkit). So is `responses/compact`, which spends and
 * reports nothing. What a vector store keeps is billed by the day, whoever asks for what; no request to it but a search is.
 */
import { providerAt } from "./hosts.ts";

/** Whether a POST to this address, under any base path, costs nothing. */
export function isFreeAtOpenAi(url: URL): boolean {
  const { hostname, pathname } = url;
  // Mistral's conversations run agents, and its moderation has a price, behind a gateway too.
  const isMistral = hostname.endsWith(".mistral.ai") || providerAt(url) === "mistral";
  if (isMistral && /\/(?:conversations|moderations)/.test(pathname)) return false;
  if (FREE_PATH.test(pathname)) return true;
  return hostname.endsWith("api.openai.com") && /^\/v1\/projects\/./.test(pathname);
}

const FREE_PATH = new RegExp(
  `/(?:${[
    "files",
    "uploads(?:/ID/(?:parts|complete|cancel))?",
    "moderations",
    "responses/input_tokens",
    "responses/ID/cancel",
    "chat/completions/chatcmpl[^/]+",
    "conversations(?:/ID(?:/items)?)?",
    "vector_stores(?:/ID)?",
    "vector_stores/ID/files(?:/ID)?",
    "vector_stores/ID/file_batches(?:/ID/cancel)?",
    "batches/ID/cancel",
    "fine_tuning/jobs/ID/(?:cancel|pause)",
    "fine_tuning/checkpoints/ID/permissions",
    "fine_tuning/alpha/graders/validate",
    "evals/ID/runs/ID/cancel",
    "threads/ID/runs/ID/cancel",
    "chatkit/sessions/ID/cancel",
    "realtime/calls/ID/(?:hangup|reject)",
    "live/sessions/ID/(?:hangup|reject)",
    "agents/automations/ID/pause",
    "webhook_endpoints(?:/ID(?:/(?:rotate_secret|test))?)?",
    "vaults(?:/ID(?:/credentials(?:/ID)?)?)?",
    "v1/organization/.+",
  ].join("|")})/*$`.replaceAll("ID", "[^/]+"),
);

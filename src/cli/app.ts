/** The commands, their flags and their help. What a command does is loaded when it is run. */
import {
  type Application,
  buildApplication,
  buildCommand,
  buildRouteMap,
  help,
  version,
} from "@stricli/core";
import { InvalidOptionsError, InvalidScopeError } from "../errors.ts";
import type { ModelsFlags } from "./commands/models.ts";
import type { ResetFlags } from "./commands/reset.ts";
import type { StatusFlags } from "./commands/status.ts";
import type { CliContext } from "./context.ts";
import { TEXT } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { packageVersion } from "./version.ts";

const text = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, optional: true, brief, placeholder }) as const;

const SCOPE_FLAGS = {
  agent: text("The agent's id: the scope agent:<id>", "id"),
  scope: text("Any scope instead, such as org:acme or user:42", "name"),
};

const LEDGER_FLAGS = {
  redis: text("Where the ledger is: redis://, rediss:// or https://", "url"),
  token: text("Token of an https:// address; safer in UPSTASH_REDIS_REST_TOKEN", "token"),
  namespace: text("The namespace of the meters, if not default", "name"),
};

const JSON_FLAG = { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" } as const;

const WHERE = `The ledger: --redis, else UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN,
else redis://localhost:6379. No other variable is read: write --redis "$REDIS_URL".`;

const status = buildCommand<StatusFlags, [], CliContext>({
  loader: () => import("./commands/status.ts"),
  parameters: { flags: onlyOwn({ ...SCOPE_FLAGS, ...LEDGER_FLAGS, json: JSON_FLAG }) },
  docs: {
    brief: "Show what a scope has spent and holds, and how its budgets stand",
    fullDescription: `Shows what an agent, or any other scope, has spent this month (UTC) and holds, and
every budget of it. Reads only.

Exit codes: 0 calls are admitted, 3 LIMIT_REACHED or PAUSED, 1 an error, 2 a wrong
command line.

${WHERE}

Examples:
  agentlimit status --agent my-agent
  agentlimit status --scope org:acme --redis rediss://:password@host:6380/0
  agentlimit status --agent my-agent --redis https://name.upstash.io --token TOKEN
  agentlimit status --agent my-agent --json | jq .usdSpent`,
  },
});

const reset = buildCommand<ResetFlags, [], CliContext>({
  loader: () => import("./commands/reset.ts"),
  parameters: { flags: onlyOwn({ ...SCOPE_FLAGS, ...LEDGER_FLAGS, json: JSON_FLAG }) },
  docs: {
    brief: "Clear what a scope has spent and holds",
    fullDescription: `Clears what an agent, or any other scope, has spent and holds in all its windows, and
the alerts that fired. Does not ask. Limits, a pause, history and other scopes stay as
they are; calls in flight no longer count here. A scope that was never seen is left
alone. One whose account has vanished from the store begins anew, paused.

${WHERE}

Examples:
  agentlimit reset --agent my-agent
  agentlimit reset --scope user:42 --namespace staging`,
  },
});

const models = buildCommand<ModelsFlags, [], CliContext>({
  loader: () => import("./commands/models.ts"),
  parameters: {
    flags: onlyOwn({
      provider: text("Only the models of this provider, such as openai", "name"),
      json: JSON_FLAG,
    }),
  },
  docs: {
    brief: "List the models that have a price",
    fullDescription: `Lists every provider and model that has a price, in USD per million tokens. Needs no
ledger.

Examples:
  agentlimit models
  agentlimit models --provider anthropic
  agentlimit models --json`,
  },
});

const root = buildRouteMap({
  routes: { status, reset, models },
  docs: {
    brief: "Hard budgets for AI agents",
    fullDescription: `Hard budgets for AI agents: see and reset what they spend.

Examples:
  agentlimit status --agent my-agent --redis redis://localhost:6379
  agentlimit reset --agent my-agent --redis redis://localhost:6379
  agentlimit models --provider openai

Exit codes: 0 fine, 1 an error, 2 a wrong command line, 3 a limit is reached (status).`,
  },
});

const formatting = {
  caseStyle: "original",
  useAliasInUsageLine: false,
  onlyRequiredInUsageLine: false,
} as const;

/** The command line of this package. */
export const APPLICATION: Application<CliContext> = buildApplication(
  root,
  {
    name: "agentlimit",
    determineExitCode: (error) => (isUsageMistake(error) ? 2 : 1),
    // A near miss is a letter or two, or a word too many as in --agent-id.
    scanner: {
      distanceOptions: {
        threshold: 4,
        weights: { insertion: 1, deletion: 1, substitution: 2, transposition: 1 },
      },
    },
    localization: { text: TEXT },
  },
  {
    help: help({ brief: TEXT.briefs.help, defaultForRouteMap: true, formatting }),
    version: version({
      brief: TEXT.briefs.version,
      info: { getCurrentVersion: async () => packageVersion() },
    }),
  },
);

/** stricli looks a flag up by its name, and on a plain object would find `constructor` and its like. */
function onlyOwn<F extends object>(flags: F): F {
  return Object.assign(Object.create(null), flags);
}

function isUsageMistake(error: unknown): boolean {
  return (
    error instanceof UsageError || error instanceof InvalidScopeError || error instanceof InvalidOptionsError
  );
}

/** Sends commands with the windows that fit the backend's clock, and repeats one whose windows or clock were off. */
import { StoreDataError } from "../errors.ts";
import { formatList, type ListedWindow } from "./account.ts";
import { checkCommand } from "./checked-command.ts";
import type { LedgerCommand, LedgerReply, RawAccount, ScopeArguments } from "./commands.ts";
import { noLimits } from "./limits.ts";
import type { ChainLink, WindowLimits } from "./store.ts";
import { refuseUnknownEnded, withMonth } from "./view.ts";
import { isWindowName } from "./window-names.ts";
import { windowBounds } from "./windows.ts";

/** What executes commands, each atomically: the rules over a Map, or scripts in Redis. */
export interface LedgerBackend {
  /**
   * @param elapsedMs what earlier rounds of the operation have used of its time.
   * @throws StoreUnavailableError when it is not known whether the command was applied.
   */
  execute(namespace: string, command: LedgerCommand, elapsedMs: number): Promise<LedgerReply>;
  /** A guess of the backend's clock, in milliseconds; Date.now by default. The backend's own clock decides. */
  now?: () => number;
  close?(): Promise<void>;
}

/** What a command is made of in each round. */
export interface Round {
  scopes: ScopeArguments[];
  withIndex: boolean;
  /** The backend's clock as far as it is known. */
  nowMs: number;
}

/** A command is repeated for a new account, for windows that have ended, and for a clock that was off. */
const MAX_ROUNDS = 6;
const MAX_REMEMBERED_SCOPES = 10_000;

export class CommandRunner {
  readonly #backend: LedgerBackend;
  #clockOffsetMs = 0;
  /** Windows that an account counts beyond its caller's list: their new bounds go with each command. */
  readonly #windowNames = new Map<string, string[]>();

  constructor(backend: LedgerBackend) {
    this.#backend = backend;
  }

  /** The backend's clock as far as it is known, in milliseconds. */
  nowMs(): number {
    return this.#localMs() + this.#clockOffsetMs;
  }

  /**
   * @throws StoreDataError for every reply that is neither a decision nor mended by a repeat; what
   * {@link checkCommand} throws, before anything is sent.
   */
  async run(
    namespace: string,
    chain: ChainLink[],
    commandOf: (round: Round) => LedgerCommand,
    furtherWindows: string[] = [],
  ): Promise<LedgerReply> {
    const startMs = performance.now();
    let withIndex = false;
    let atMs = this.nowMs();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const scopes = chain.map((link) => this.#scopeArguments(namespace, link, furtherWindows, atMs));
      const command = commandOf({ scopes, withIndex, nowMs: Math.floor(atMs) });
      checkCommand(namespace, command);
      const reply = await this.#backend.execute(namespace, command, performance.now() - startMs);
      refuseUnusable(chain, reply);
      atMs = reply.atMicros / 1000;
      const isOwnClock = command.kind === "settle" || command.kind === "release";
      if (!isOwnClock) this.#clockOffsetMs = atMs - this.#localMs();
      this.#remember(namespace, chain, reply.accounts);
      if (reply.code === "WINDOWS") refuseUnknownEndedOf(chain, reply);
      if (reply.code === "INIT") withIndex = true;
      else if (reply.code !== "TIME" && reply.code !== "WINDOWS") return reply;
    }
    throw new StoreDataError(
      `The store's clock moves too fast for ${chain[0]?.scope ?? "this scope"}: check its time.`,
    );
  }

  async close(): Promise<void> {
    await this.#backend.close?.();
  }

  #localMs(): number {
    return (this.#backend.now ?? Date.now)();
  }

  #scopeArguments(
    namespace: string,
    link: ChainLink,
    furtherWindows: string[],
    atMs: number,
  ): ScopeArguments {
    const list = link.limits === undefined ? undefined : withMonth(link.limits);
    const listed = new Set<string>((list ?? []).map((entry) => entry.window));
    const remembered = this.#windowNames.get(`${namespace} ${link.scope}`) ?? [];
    const further = new Set(["month", ...remembered, ...furtherWindows].filter((name) => !listed.has(name)));
    return {
      scope: link.scope,
      list: list === undefined ? undefined : windowsText(list, atMs),
      idleSeconds: link.forgetAfterIdleSeconds,
      bounds: further.size === 0 ? undefined : windowsText([...further].flatMap(withoutLimits), atMs),
    };
  }

  #remember(namespace: string, chain: ChainLink[], accounts: RawAccount[]): void {
    if (this.#windowNames.size >= MAX_REMEMBERED_SCOPES) this.#windowNames.clear();
    for (const [index, raw] of accounts.entries()) {
      const scope = chain[index]?.scope;
      if (scope === undefined || raw.w === undefined) continue;
      const names = `${raw.w}${raw.o ?? ""}`.split(";").map((entry) => entry.split(" ", 1)[0] ?? "");
      this.#windowNames.set(`${namespace} ${scope}`, names.filter(isWindowName));
    }
  }
}

/** A list with the bounds that hold a time. */
export function windowsText(windows: WindowLimits[], atMs: number): string {
  const listed = windows.map(({ window, hard, soft }): ListedWindow => {
    return { name: window, ...windowBounds(window, atMs), hard, soft };
  });
  return formatList(listed);
}

function refuseUnknownEndedOf(chain: ChainLink[], reply: LedgerReply): void {
  for (const [place, raw] of reply.accounts.entries()) {
    if (raw.w !== undefined) refuseUnknownEnded(chain[place]?.scope ?? "a scope", raw, reply.atMicros);
  }
}

function withoutLimits(name: string): WindowLimits[] {
  return isWindowName(name) ? [{ window: name, hard: noLimits(), soft: noLimits() }] : [];
}

function refuseUnusable(chain: ChainLink[], reply: LedgerReply): void {
  const [first, field] = reply.details;
  const scope = chain[Number(first)]?.scope ?? "a scope";
  switch (reply.code) {
    case "LOST":
      throw new StoreDataError(
        `The account of ${scope} has vanished from the store (evicted, deleted, or a partial restore). Calls are refused until it is reset, which begins at zero and leaves the scope paused, since stored limits are lost too. Redis needs maxmemory-policy noeviction.`,
        "STATE_LOST",
      );
    case "MALFORMED":
      throw new StoreDataError(
        `The field ${field} of ${first} is not what agentlimit wrote. Nothing was changed. Restore it; or delete the key, then reset the scope.`,
      );
    case "TOO_NEW":
      throw new StoreDataError(
        `${first} was written by a newer agentlimit: update agentlimit here.`,
        "LAYOUT_TOO_NEW",
      );
    case "FULL":
      throw new StoreDataError(
        `A counter of ${scope} would pass 9e15 (9,000,000 dollars). Nothing was booked; reset the scope.`,
      );
    default:
  }
}

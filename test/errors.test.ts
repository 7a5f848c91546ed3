/** What errors are to somebody who did not make them: a second copy of the package, or what wraps them. */
import { describe, expect, it } from "vitest";
import * as errors from "../src/errors.ts";

const { AgentLimitError, BudgetExceededError, StoreUnavailableError } = errors;

const denial = new BudgetExceededError();

describe("BudgetExceededError.from", () => {
  it.each([
    ["itself", denial],
    ["a cause", new Error("Connection error.", { cause: denial })],
    ["a cause of causes", new Error("a", { cause: new Error("b", { cause: { cause: denial } }) })],
    [
      "the last error of several tries",
      Object.assign(new Error("Failed after 3 attempts"), { lastError: denial }),
    ],
    ["one of many errors", new AggregateError([new Error("a"), undefined, denial])],
    ["a cause of the last error", { lastError: { cause: denial } }],
  ])("finds it as %s", (_name, error) => {
    expect(BudgetExceededError.from(error)).toBe(denial);
  });

  it("finds none in anything else, be it without an end", () => {
    const endless = new Error("round and round");
    endless.cause = { lastError: endless, errors: [endless, null] };
    for (const error of [
      endless,
      new StoreUnavailableError("gone"),
      new Error("a"),
      "denied",
      null,
      undefined,
    ]) {
      expect(BudgetExceededError.from(error)).toBeUndefined();
    }
  });
});

describe("A second copy of the package", () => {
  // Another query makes another module of the same file.
  const loaded = import("../src/errors.ts?second" as string) as Promise<typeof errors>;

  it("takes the first one's errors for its own, each as what it is", async () => {
    const second = await loaded;
    expect(second.BudgetExceededError).not.toBe(BudgetExceededError);
    const [theirs, gone] = [new second.BudgetExceededError(), new second.StoreUnavailableError("gone")];
    expect(theirs).toBeInstanceOf(BudgetExceededError);
    expect(theirs).toBeInstanceOf(AgentLimitError);
    expect(theirs).not.toBeInstanceOf(StoreUnavailableError);
    expect(gone).toBeInstanceOf(StoreUnavailableError);
    expect(gone).not.toBeInstanceOf(BudgetExceededError);
    expect(denial).toBeInstanceOf(second.BudgetExceededError);
    expect(BudgetExceededError.from(new Error("wrapped", { cause: theirs }))).toBe(theirs);
  });
});

describe("The status of an error", () => {
  it("is one that no client sends again: 402 for a budget, 403 for all else", () => {
    expect(denial.status).toBe(402);
    expect(new BudgetExceededError("", { code: "PAUSED" }).status).toBe(403);
    expect(new StoreUnavailableError("gone").status).toBe(403);
    expect(new errors.UnknownModelError("who?").status).toBe(403);
  });
});

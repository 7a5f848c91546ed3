import { describe, expect, it } from "vitest";
import { BudgetExceededError, StoreUnavailableError } from "../../src/errors.ts";
import { refuse } from "../../src/metering/deny.ts";

const ofStainless = new Headers({ "x-stainless-lang": "js" });
const body = { error: { code: "BUDGET_EXCEEDED" } };

describe("A refusal", () => {
  it("is thrown to clients that pass on what a fetch throws", () => {
    const error = new BudgetExceededError();
    expect(() => refuse(error, new Headers(), body)).toThrow(error);
  });

  it("is a response whose headers throw it to those that would try again, one that says not to", async () => {
    const error = new StoreUnavailableError("gone");
    const response = refuse(error, ofStainless, body);
    expect(() => response.headers).toThrow(error);
    // A copy has headers of its own.
    const copy = response.clone();
    expect(copy.status).toBe(403);
    expect(copy.headers.get("x-should-retry")).toBe("false");
    expect(await copy.json()).toEqual(body);
  });
});

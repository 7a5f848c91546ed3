/** What goes wrong, as problem+json (RFC 9457): the library's codes, and those of the protocol around it. */
import { AgentLimitError, AlreadySettledError, BudgetExceededError, type ErrorCode } from "../errors.ts";

/** The library's codes, and what a request can get wrong before it reaches the library. */
export type ProblemCode =
  | ErrorCode
  | "UNAUTHORIZED"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "NOT_CONFIGURED"
  | "INTERNAL";

/** A field that is not as it should be: `chain.1`, and what it should be. */
export interface FieldError {
  path: string;
  message: string;
}

type ProblemStatus = keyof typeof TITLES;

interface ProblemOptions {
  status: ProblemStatus;
  code: ProblemCode;
  /** What happened and what to do next. */
  detail: string;
  errors?: FieldError[] | undefined;
  headers?: Record<string, string> | undefined;
}

/** A request that is refused before it reaches the library. */
export class RequestProblem extends Error {
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(options.detail);
    this.name = "RequestProblem";
    this.options = options;
  }
}

/** An answer in JSON that no cache keeps. */
export function jsonResponse(body: object): Response {
  return new Response(JSON.stringify(body), {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/** The answer to a request that failed. Of an error that is not ours it tells nothing. */
export function problemResponse(error: unknown): Response {
  if (error instanceof RequestProblem) return respond(error.options);
  if (error instanceof AgentLimitError) return respond(libraryProblem(error), libraryDetails(error));
  return respond({
    status: 500,
    code: "INTERNAL",
    detail: "An unexpected error; whether the request had an effect is not known.",
  });
}

/** The answer of a deployment that lacks a setting, or has one that is not usable. */
export function notConfiguredResponse(detail: string): Response {
  return respond({ status: 503, code: "NOT_CONFIGURED", detail });
}

function respond({ status, code, detail, errors, headers }: ProblemOptions, details: object = {}): Response {
  const problem = { type: "about:blank", title: TITLES[status], status, code, detail, errors, ...details };
  return new Response(JSON.stringify(problem), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** A budget is always 402 here: 429, for windows of a minute, is for end users, whose SDKs wait and try again. */
function libraryProblem(error: AgentLimitError): ProblemOptions {
  const { code, message } = error;
  const status = code === "BUDGET_EXCEEDED" ? 402 : error.responseStatus();
  return { status: isProblemStatus(status) ? status : 500, code, detail: message };
}

/** The numbers: whoever has the owner's token may see all of them. */
function libraryDetails(error: AgentLimitError): object {
  if (error instanceof BudgetExceededError) {
    const { denials, scope, retryAfterSeconds, transient, receipt } = error;
    return { scope, denials, retryAfterSeconds, transient, receipt };
  }
  return error instanceof AlreadySettledError ? { receipt: error.receipt } : {};
}

function isProblemStatus(status: number): status is ProblemStatus {
  return status in TITLES;
}

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

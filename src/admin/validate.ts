/** Values against schemas: what comes out is typed, what does not fit is a problem with the paths of its fields. */
import * as v from "valibot";
import { codeOfField } from "./fields.ts";
import { type FieldError, RequestProblem } from "./problem.ts";

const MAX_ERRORS = 20;
const MAX_MESSAGE_CHARACTERS = 300;

/** @throws RequestProblem 400 with the path of every field that does not fit. */
export function validated<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const errors = result.issues.slice(0, MAX_ERRORS).map(fieldError);
  const [first] = errors;
  throw new RequestProblem({
    status: 400,
    code: codeOf(result.issues),
    detail:
      first === undefined || first.path === ""
        ? "The request is not valid."
        : `${first.path}: ${first.message}`,
    errors,
  });
}

function fieldError(issue: v.BaseIssue<unknown>): FieldError {
  return { path: v.getDotPath(issue) ?? "", message: issue.message.slice(0, MAX_MESSAGE_CHARACTERS) };
}

/** The one code of all fields that do not fit, where they agree. */
function codeOf(issues: v.BaseIssue<unknown>[]) {
  const codes = new Set(issues.map((issue) => codeOfField(v.getDotPath(issue)?.split(".", 1)[0])));
  const [code = "INVALID_OPTIONS"] = codes;
  return codes.size === 1 ? code : "INVALID_OPTIONS";
}

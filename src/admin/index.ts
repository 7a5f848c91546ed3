/** The admin API as a Hono app, made from the table of routes; for every runtime with `fetch`. */
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { InvalidScopeError } from "../errors.ts";
import type { Store } from "../ledger/store.ts";
import type { MeterOptions } from "../meter/options.ts";
import { UsageMeter } from "../meter.ts";
import { createPriceBook } from "../pricing/price-book.ts";
import { ownerAccess, type Role, requireRole } from "./access.ts";
import { discardRest, readJsonBody } from "./body.ts";
import { exactly, namespace } from "./fields.ts";
import { jsonResponse, problemResponse, RequestProblem } from "./problem.ts";
import type { AdminCall, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { validated } from "./validate.ts";

export interface AdminOptions {
  /** The ledger. */
  store: Store;
  /** The bearer token of the owner, a secret: at least 32 characters, printable ASCII without spaces. */
  ownerToken: string;
  /** How estimates and usages that name a model are priced; the built-in table by default. */
  pricing?: Pick<MeterOptions, "prices" | "customPricing" | "models" | "unknownModel">;
  /** Hears of errors that are not the library's; callers learn nothing of them. The default keeps silent. */
  onUnexpectedError?: (error: unknown) => void;
}

interface AdminEnvironment {
  Variables: { role: Role };
}
export type AdminApp = Hono<AdminEnvironment>;
type AdminContext = Context<AdminEnvironment>;

/**
 * The admin API of one ledger. `?namespace=` stands on every route; left out, it is `default`.
 *
 * @throws InvalidOptionsError for an owner's token that is too short, and for prices that make no sense.
 * @example
 * ```ts
 * const app = adminApp({ store: memoryStore(), ownerToken });
 * await app.request("/v1/scopes/user%3A42", { headers: { authorization: `Bearer ${ownerToken}` } });
 * ```
 */
export function adminApp(options: AdminOptions): AdminApp {
  const access = ownerAccess(options.ownerToken);
  // Read again by each call's meter; what is wrong in it shall show here and not as a caller's mistake.
  createPriceBook(options.pricing);
  const app: AdminApp = new Hono();
  app.use(async (context, next) => {
    await next();
    await discardRest(context.req.raw);
  });
  app.use(async (context, next) => {
    context.set("role", await access.roleOf(context.req.header("authorization")));
    await next();
  });
  for (const route of ROUTES) {
    app.on(route.method, honoPath(route.path), (context) => answer(options, context, route));
  }
  for (const path of new Set(ROUTES.map((route) => route.path))) {
    app.all(honoPath(path), (context) => refuseMethod(context, path));
  }
  app.notFound(refusePath);
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status === 500) options.onUnexpectedError?.(error);
    return response;
  });
  return app;
}

async function answer(options: AdminOptions, context: AdminContext, route: Route): Promise<Response> {
  requireRole(route.role, context.var.role);
  const call = adminCall(options, context);
  const body = route.method === "GET" ? {} : await readJsonBody(context.req.raw, route.maxBodyBytes);
  return jsonResponse(await route.answer(call, { params: context.req.param(), body }));
}

function refuseMethod(context: AdminContext, path: string): never {
  requireRole("owner", context.var.role);
  const methods = ROUTES.filter((route) => route.path === path).map((route) => route.method);
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  throw new RequestProblem({
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    detail: `This path answers to ${allow}.`,
    headers: { allow },
  });
}

function refusePath(context: AdminContext): never {
  requireRole("owner", context.var.role);
  const detail = "There is no such path. A scope's name in a path is percent-encoded: team%2Fsearch.";
  throw new RequestProblem({ status: 404, code: "NOT_FOUND", detail });
}

const queryOf = exactly({ namespace: v.optional(namespace, "default") });

function adminCall({ store, pricing }: AdminOptions, context: AdminContext): AdminCall {
  const query = Object.entries(context.req.queries()).map(([name, values]) => {
    return [name, values.length === 1 ? values[0] : values];
  });
  const { namespace } = validated(queryOf, Object.fromEntries(query));
  return {
    store,
    namespace,
    role: context.var.role,
    meter(chain) {
      const [root, ...inner] = chain.toReversed();
      if (root === undefined) throw new InvalidScopeError("A chain needs at least one scope.");
      const waitUntil = waitUntilOf(context);
      const meter = new UsageMeter({
        ...pricing,
        store,
        namespace,
        scope: root,
        ...(waitUntil && { waitUntil }),
      });
      return inner.reduce((parent, scope) => parent.child(scope), meter);
    },
  };
}

/** Undefined outside of runtimes that hand in a context with each request. */
function waitUntilOf(context: AdminContext): ((work: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = context;
    return (work) => executionCtx.waitUntil(work);
  } catch {
    return undefined;
  }
}

/** `{scope}` is `:scope` there. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** All routes of the admin API. */
import { CALL_ROUTES } from "./calls.ts";
import { HEALTH_ROUTES } from "./health.ts";
import type { Route } from "./route.ts";
import { SCOPE_ROUTES } from "./scopes.ts";

export const ROUTES: readonly Route[] = [...HEALTH_ROUTES, ...SCOPE_ROUTES, ...CALL_ROUTES];

/** Whether this deployment works. */
import { UNKNOWN_REQUEST } from "../meter/check.ts";
import { exactly } from "./fields.ts";
import { type Route, route } from "./route.ts";

const PROBE_SCOPE = "health";

/** The store is asked for the owner alone: strangers must not be able to cause its traffic. */
export const HEALTH_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/health",
    role: "anyone",
    params: exactly({}),
    body: exactly({}),
    async handler({ role, store, namespace }) {
      if (role === "anyone") return { status: "ok" };
      await store.check({ namespace, chain: [{ scope: PROBE_SCOPE }], requested: UNKNOWN_REQUEST });
      return { status: "ok", store: "ok" };
    },
  }),
];

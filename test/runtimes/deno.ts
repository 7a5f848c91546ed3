/** The conformance cases in Deno; run by deno.test.ts. */
import { tellOutcomesOfEveryStore } from "./every-store.ts";

const { REDIS_URL: redisUrl = "", REST_URL: restUrl = "", REST_TOKEN: restToken = "" } = process.env;
await tellOutcomesOfEveryStore(navigator.userAgent, { redisUrl, restUrl, restToken });

/** The cases in Deno; run by deno.test.ts. */
import { tellOutcomesOfEveryStore } from "./every-store.ts";

await tellOutcomesOfEveryStore(navigator.userAgent, process.env);

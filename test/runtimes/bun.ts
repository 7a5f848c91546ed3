/** The cases in Bun; run by bun.test.ts. */
import { tellOutcomesOfEveryStore } from "./every-store.ts";

await tellOutcomesOfEveryStore(navigator.userAgent, process.env);

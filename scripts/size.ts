/** `npm run size`: what a guarded edge function carries, part by part. */
import { sizeLines } from "../bench/size-lines.ts";
import { measureSizes } from "./sizes.ts";

for (const line of sizeLines(await measureSizes())) console.log(line);

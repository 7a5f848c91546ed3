/** For an API whose answers are one JSON body each, and never a stream. */
import type { EventReader } from "./provider.ts";

export function noEvents(): EventReader {
  return { read: () => {}, ended: false, complete: false, usage: () => undefined };
}

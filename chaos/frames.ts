/** Where a RESP2 request or answer ends, so that a proxy can tell one from the next. */

export interface Frames {
  whole: Buffer[];
  /** The beginning of the next one. */
  rest: Buffer;
}

export function splitFrames(data: Buffer): Frames {
  const whole: Buffer[] = [];
  let start = 0;
  for (;;) {
    const end = frameEnd(data, start);
    if (end === undefined) return { whole, rest: data.subarray(start) };
    whole.push(data.subarray(start, end));
    start = end;
  }
}

/** Undefined while the frame is not whole. */
function frameEnd(data: Buffer, start: number): number | undefined {
  const lineEnd = data.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const end = lineEnd + 2;
  const type = data.toString("latin1", start, start + 1);
  if (type === "+" || type === "-" || type === ":") return end;
  const count = Number(data.toString("latin1", start + 1, lineEnd));
  if (type === "$") return textEnd(data, end, count);
  if (type !== "*") throw new Error(`This is not RESP2: ${data.toString("latin1", start, lineEnd)}`);
  return listEnd(data, end, count);
}

function textEnd(data: Buffer, start: number, length: number): number | undefined {
  if (length < 0) return start;
  const end = start + length + 2;
  return end <= data.length ? end : undefined;
}

function listEnd(data: Buffer, start: number, count: number): number | undefined {
  let end = start;
  for (let element = 0; element < count; element++) {
    const next = frameEnd(data, end);
    if (next === undefined) return undefined;
    end = next;
  }
  return end;
}

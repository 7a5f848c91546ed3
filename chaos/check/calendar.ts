/** When the windows of the calendar begin, in UTC. */

/** Milliseconds since 1970. */
export function windowStart(window: string, atMs: number): number {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (window) {
    case "minute":
      return at.setUTCSeconds(0, 0);
    case "hour":
      return at.setUTCMinutes(0, 0, 0);
    case "day":
      return Date.UTC(year, month, day);
    case "week":
      return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7));
    case "month":
      return Date.UTC(year, month);
    case "total":
      return 0;
    default:
      throw new Error(`No window of the calendar: ${window}`);
  }
}

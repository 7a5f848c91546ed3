/** Local days and hours of IANA time zones, by what the runtime's Intl knows of them. Times are whole seconds since 1970. */

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const MAX_FORMATTERS = 500;

const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;
const UTC_ALIAS = /^(?:etc\/)?(?:utc|uct|universal|zulu|gmt|gmt[+-]?0|greenwich)$/i;
/** Runtimes know more abbreviations than IANA has, and not as their users mean them: BST would be Bangladesh. */
const ABBREVIATION = /^[A-Za-z]{3}$/;
const IANA_ABBREVIATIONS = "CET EET EST HST MET MST PRC ROC ROK WET";
/** Words that IANA does not begin with a capital and go on in small letters, such as in America/Knox_IN. */
const IRREGULAR_WORDS = new Map(
  `${IANA_ABBREVIATIONS} ACT BajaNorte BajaSur CHAT ComodRivadavia DeNoronha DumontDUrville EasterIsland GB GMT IN LHI McMurdo NSW NZ SU US au es of`
    .split(" ")
    .map((word) => [word.toLowerCase(), word]),
);

/**
 * The name as IANA spells it, whatever its case, and `"UTC"` for all names of UTC; undefined where the runtime knows no
 * such zone. Other aliases are zones of their own, since runtimes resolve them differently.
 */
export function knownTimeZone(name: unknown): string | undefined {
  if (typeof name !== "string" || !NAME.test(name)) return undefined;
  if (UTC_ALIAS.test(name)) return "UTC";
  const spelled = ianaSpelling(name);
  if (ABBREVIATION.test(name) && !IANA_ABBREVIATIONS.includes(spelled)) return undefined;
  return isKnown(spelled) ? spelled : undefined;
}

/** By rule and not by what the runtime says, since V8 tells no alias's spelling: one zone is one window in all of them. */
function ianaSpelling(name: string): string {
  return name.toLowerCase().replace(/[a-z][a-z0-9]*/g, (word) => {
    if (/\d/.test(word)) return word.toUpperCase();
    return IRREGULAR_WORDS.get(word) ?? word.charAt(0).toUpperCase() + word.slice(1);
  });
}

function isKnown(name: string): boolean {
  try {
    formatterOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The local date of a time, as days since 1970. */
export function localDay(timeZone: string, atSeconds: number): number {
  return Math.floor((atSeconds + offsetSeconds(timeZone, atSeconds)) / DAY_SECONDS);
}

/** The first moment of a local date: its midnight, the earlier one of two, or the end of a gap that swallows it. */
export function dayStartSeconds(timeZone: string, day: number): number {
  const midnight = day * DAY_SECONDS;
  const dayBefore = midnight - DAY_SECONDS;
  const dayAfter = midnight + DAY_SECONDS;
  const offsets = [offsetSeconds(timeZone, dayBefore), offsetSeconds(timeZone, dayAfter)];
  const candidates = [...new Set(offsets)].map((offset) => midnight - offset);
  const [only, other] = candidates;
  if (only !== undefined && other === undefined) return only;
  const start = candidates.find((at) => at + offsetSeconds(timeZone, at) === midnight);
  return start ?? changeBetween(timeZone, dayBefore, dayAfter);
}

/** The last moment up to `atSeconds` at which local clocks show a whole hour, and the first one after it. */
export function localHour(timeZone: string, atSeconds: number): { startSeconds: number; endSeconds: number } {
  const offset = offsetSeconds(timeZone, atSeconds);
  const startSeconds = wholeHourUpTo(atSeconds, offset);
  const endSeconds = startSeconds + HOUR_SECONDS;
  const offsetAtStart = offsetSeconds(timeZone, startSeconds);
  const offsetAtEnd = offsetSeconds(timeZone, endSeconds);
  // Clocks that are set by whole hours show whole hours all the same. Lord Howe's are set by half an hour.
  const isStart = (offset - offsetAtStart) % HOUR_SECONDS === 0;
  const isEnd = (offset - offsetAtEnd) % HOUR_SECONDS === 0;
  return {
    startSeconds: isStart
      ? startSeconds
      : wholeHourUpTo(changeBetween(timeZone, startSeconds, atSeconds) - 1, offsetAtStart),
    endSeconds: isEnd
      ? endSeconds
      : wholeHourUpTo(changeBetween(timeZone, atSeconds, endSeconds) - 1, offsetAtEnd) + HOUR_SECONDS,
  };
}

function wholeHourUpTo(atSeconds: number, offset: number): number {
  return Math.floor((atSeconds + offset) / HOUR_SECONDS) * HOUR_SECONDS - offset;
}

/** The moment at which the offset of `from` gives way to that of `to`; there is one change between them. */
function changeBetween(timeZone: string, from: number, to: number): number {
  const offsetAfter = offsetSeconds(timeZone, to);
  let before = from;
  let after = to;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetSeconds(timeZone, middle) === offsetAfter) after = middle;
    else before = middle;
  }
  return after;
}

/** Seconds that local clocks are ahead of UTC. */
function offsetSeconds(timeZone: string, atSeconds: number): number {
  if (timeZone === "UTC") return 0;
  const shown = formatterOf(timeZone).format(atSeconds * 1000);
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (shown.match(/\d+/g) ?? []).map(
    Number,
  );
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - atSeconds;
}

/** A formatter costs some 20 µs and kilobytes: one a zone. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** `9/8/2001, 23:16:40`. @throws RangeError for a zone that the runtime does not know. */
function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const formatter = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (formatters.size >= MAX_FORMATTERS) formatters.clear();
  formatters.set(timeZone, formatter);
  return formatter;
}

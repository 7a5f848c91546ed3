/** Bugs to plant in the short ways of the scripts (`steady_*.lua`), which go before the long way and repeat what it does. */
import type { PlantedBug } from "../chaos/broken-transport.ts";

const inReserve = (line: string, instead: string): PlantedBug => ({ scripts: ["reserve"], line, instead });
const inClose = (line: string, instead: string): PlantedBug => ({ scripts: ["close"], line, instead });

/** A minute that is over sends all the long way; so an end that is not seen needs both lines. */
const UNSEEN_MINUTE = inReserve(
  "if math.floor(last / DAY) ~= math.floor(at / DAY) or tonumber(swept) < math.floor(at / MINUTE) then return end",
  "if math.floor(last / DAY) ~= math.floor(at / DAY) then return end",
);

export const SHORT_WAY_BUGS: [name: string, ...bugs: PlantedBug[]][] = [
  [
    "a settle that does not look whether its id is closed",
    inClose(
      "local heldText, chain = string.match(recordLine, '^hold %S+ %S+ [01] %d+ %d+ (%S+) (%S+)$')",
      "local heldText, chain = string.match(recordLine, '^hold %S+ %S+ [01] %d+ %d+ (%S+) (%S+)')",
    ),
  ],
  [
    "a settle that does not look whose chain the hold is",
    inClose("if not held or chain ~= chainText then return end", "if not held then return end"),
  ],
  [
    "a release by one attempt that frees the hold of another",
    inClose("if not holdStart or attempt ~= '-' then return end", "if not holdStart then return end"),
  ],
  [
    "a reserve that does not look at its id",
    inReserve("if not time or recordLine then return end", "if not time then return end"),
  ],
  [
    "a reserve that does not look at the limits",
    inReserve(
      "if u + asked[1] > limitU or t + asked[2] > limitT or r + asked[3] > limitR then return end",
      "",
    ),
  ],
  [
    "a rollover that is not seen",
    UNSEEN_MINUTE,
    inReserve("local isOpen = at >= start * SECOND and at < stop * SECOND", "local isOpen = true"),
  ],
  ["a clock that runs back", inReserve("if tonumber(last) >= at then at = last + 1 end", "")],
  [
    "a reset that the settle of an older hold does not see",
    inClose("if call.start >= tonumber(began) then", "if true then"),
  ],
  [
    "a hold that joins what expires from before a reset, and is forgotten with it",
    inReserve("if not start or tonumber(start) < newestBase then return end", "if not start then return end"),
  ],
  ["an expiry that is not seen", UNSEEN_MINUTE],
  [
    "an expiry that charges what was settled",
    inClose(
      "return string.format('%s %.0f,%.0f,%.0f;', began, u - held[1], t - held[2], r - held[3])",
      "return wheel",
    ),
  ],
  [
    "a float in the money that is held",
    inReserve(
      "u, t, r = u + held[1], t + held[2], r + held[3]",
      "u, t, r = (u / 1e9 + held[1] / 1e9) * 1e9 - 0.5, t + held[2], r + held[3]",
    ),
  ],
  [
    "a float in the money that is settled",
    inClose(
      "actual = source == '-' and { 0, 0, 0 } or { actual[1], actual[2], held[3] }",
      "actual = source == '-' and { 0, 0, 0 } or { math.floor(actual[1] / 1e9 * 1e6 + 0.5) * 1000, actual[2], held[3] }",
    ),
  ],
  [
    "a settle that crosses a threshold unmarked",
    inClose("if su * 1000000 >= limitU * least or st * 1000000 >= limitT * least then return end", ""),
  ],
];

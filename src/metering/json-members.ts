/** The text of a JSON object, read and changed member by member, so that every other byte stays as its caller wrote it. */

/** How many members all objects of a JSON text have together: more than a parser keeps where a name stands twice. */
export function countMembers(json: string): number {
  let count = 0;
  for (let at = 0; at < json.length; at += 1) {
    if (json[at] === '"') at = closingQuote(json, at);
    else if (json[at] === ":") count += 1;
  }
  return count;
}

/**
 * Replaces members of the outermost object, and appends those that it does not have.
 *
 * @param json a JSON object in which no name stands twice.
 */
export function withMembers(json: string, members: ReadonlyMap<string, unknown>): string {
  const present = outerMembers(json);
  const added = [...members].filter(([name]) => present.every((member) => member.name !== name));
  let changed = "";
  let copiedUntil = 0;
  for (const { name, start, end } of present) {
    if (!members.has(name)) continue;
    changed += json.slice(copiedUntil, start) + JSON.stringify(members.get(name));
    copiedUntil = end;
  }
  const close = json.lastIndexOf("}");
  const texts = added.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const comma = present.length > 0 && texts.length > 0 ? "," : "";
  return changed + json.slice(copiedUntil, close) + comma + texts.join() + json.slice(close);
}

interface OuterMember {
  name: string;
  /** Where the value stands, the space around it included. */
  start: number;
  end: number;
}

function outerMembers(json: string): OuterMember[] {
  const members: OuterMember[] = [];
  let depth = 0;
  let member: OuterMember | undefined;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      const end = closingQuote(json, at);
      if (depth === 1 && member === undefined) {
        member = { name: String(JSON.parse(json.slice(at, end + 1))), start: 0, end: 0 };
      }
      at = end;
    } else if (character === ":") {
      if (depth === 1 && member !== undefined) member.start = at + 1;
    } else if (character === "{" || character === "[") {
      depth += 1;
    } else if (character === "," || character === "}" || character === "]") {
      if (depth === 1 && member !== undefined) {
        members.push({ ...member, end: at });
        member = undefined;
      }
      if (character !== ",") depth -= 1;
    }
  }
  return members;
}

/** @param open where a text begins. */
function closingQuote(json: string, open: number): number {
  for (let at = json.indexOf('"', open + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return json.length;
}

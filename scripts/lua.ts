/**
 * Compiles `src/redis/*.lua` into `src/redis/scripts.ts`: `node scripts/lua.ts`, with `--check` only to see whether
 * that file is up to date.
 *
 * A Lua file names what it builds on in lines `-- @include account.lua`, before its first line of code; a file that
 * another one includes is a part and no script of its own. Comments, indentation and blank lines are left out.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../src/redis/", import.meta.url));
const UPSTASH_FIRST_LINE = "#!lua flags=allow-key-locking\n";

interface LuaFile {
  /** Without its ending. */
  name: string;
  includes: string[];
  /** Without its comments. */
  code: string;
}

function main(flags: string[]): void {
  const target = join(FOLDER, "scripts.ts");
  const compiled = compileScripts(FOLDER);
  if (!flags.includes("--check")) {
    writeFileSync(target, compiled);
    return;
  }
  if (readFileSync(target, "utf8") === compiled) return;
  console.error("src/redis/scripts.ts is not what src/redis/*.lua compile to: run `node scripts/lua.ts`.");
  process.exitCode = 1;
}

/**
 * The TypeScript of all scripts of a folder.
 *
 * @throws Error an include that is missing, goes in a circle, or stands below code; a string or comment without an end.
 */
export function compileScripts(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".lua"));
  const files = new Map(names.sort().map((name) => [name.slice(0, -4), readLua(folder, name)]));
  const included = new Set([...files.values()].flatMap((file) => file.includes));
  const constants = [...files.values()].map(
    (file) => `const ${constantOf(file.name)} = ${literal(`${file.code}\n`)};`,
  );
  const scripts = [...files.values()]
    .filter((file) => !included.has(file.name))
    .map((file) => entryOf(file, files));
  return `${HEADER}\n${constants.join("\n\n")}\n\nexport const SCRIPTS = {\n${scripts.join("\n")}\n${FOOTER}`;
}

const HEADER = `// Generated from src/redis/*.lua by \`node scripts/lua.ts\`. Not to be edited.
import type { RedisScript } from "./transport.ts";
`;

const FOOTER = `} satisfies Record<string, RedisScript>;

function script(name: string, source: string, sha1: string, upstashSha1: string): RedisScript {
  return { name, source, sha1, upstashSource: ${JSON.stringify(UPSTASH_FIRST_LINE)} + source, upstashSha1 };
}
`;

function entryOf(file: LuaFile, files: Map<string, LuaFile>): string {
  const parts = partsOf(file, files, []);
  const source = parts.map((part) => `${part.code}\n`).join("");
  const sum = parts.map((part) => constantOf(part.name)).join(" + ");
  return `  ${file.name}: script("${file.name}", ${sum}, "${sha1(source)}", "${sha1(UPSTASH_FIRST_LINE + source)}"),`;
}

/** What a file builds on and itself, each once, what is built on first. */
function partsOf(file: LuaFile, files: Map<string, LuaFile>, path: string[]): LuaFile[] {
  if (path.includes(file.name)) throw new Error(`${[...path, file.name].join(".lua includes ")}.lua`);
  const parts = file.includes.flatMap((name) => {
    const part = files.get(name);
    if (part === undefined) throw new Error(`${file.name}.lua includes ${name}.lua, which is not there`);
    return partsOf(part, files, [...path, file.name]);
  });
  return [...new Set([...parts, file])];
}

function readLua(folder: string, fileName: string): LuaFile {
  const name = fileName.slice(0, -4);
  if (!/^[a-z]+(_[a-z]+)*$/.test(name)) throw new Error(`${fileName}: a name is made of a-z and _`);
  const text = readFileSync(join(folder, fileName), "utf8");
  const includes = [...text.matchAll(/^-- @include (\w+)\.lua$/gm)];
  const last = includes.at(-1);
  const head = last === undefined ? "" : text.slice(0, last.index);
  if (withoutComments(head, fileName) !== "")
    throw new Error(`${fileName}: includes stand before the first line of code`);
  return { name, includes: includes.map((match) => match[1] ?? ""), code: withoutComments(text, fileName) };
}

const OPENING = /^(["']|(--)?\[=*\[)/;
// A long comment, a comment, a long string, a string; else whitespace with a line's end in it, or anything.
const TOKENS =
  /--\[(?<level>=*)\[.*?\]\k<level>\]|--(?!\[=*\[)[^\n]*|(?<text>\[(?<stringLevel>=*)\[.*?\]\k<stringLevel>\]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<break>\s*\n\s*)|(?<code>.)/gsy;

/** The code as Lua reads it, a line a line: strings as they are, no comments, no indentation, no blank lines. */
export function withoutComments(lua: string, fileName: string): string {
  let code = "";
  for (const { groups, index } of lua.matchAll(TOKENS)) {
    if (groups?.code !== undefined && OPENING.test(lua.slice(index, index + 20))) {
      throw new Error(`${fileName}: a string or a comment without its end`);
    }
    if (groups?.break !== undefined) code = code === "" ? "" : `${code.trimEnd()}\n`;
    else code += groups?.text ?? groups?.code ?? "";
  }
  return code.trim();
}

function constantOf(name: string): string {
  return name.toUpperCase();
}

function literal(text: string): string {
  return `\`${text.replace(/[\\`]|\$(?=\{)/g, "\\$&")}\``;
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

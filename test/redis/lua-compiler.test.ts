import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Redis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { compileScripts, withoutComments } from "../../scripts/lua.ts";
import { SCRIPTS } from "../../src/redis/scripts.ts";
import type { RedisScript } from "../../src/redis/transport.ts";

/** The scripts of these Lua files. */
async function compiled(files: Record<string, string>): Promise<Record<string, RedisScript>> {
  const folder = mkdtempSync(join(tmpdir(), "lua-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "scripts.ts"), compileScripts(folder));
  const module: { SCRIPTS: Record<string, RedisScript> } = await import(
    pathToFileURL(join(folder, "scripts.ts")).href
  );
  return module.SCRIPTS;
}

/** What a template literal would read as its own. */
const QUOTED = "'`$" + "{0}\\\\`'";

describe("The committed scripts", () => {
  it("are what the Lua files compile to", () => {
    const script = fileURLToPath(new URL("../../scripts/lua.ts", import.meta.url));
    const check = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect([check.stderr, check.status]).toEqual(["", 0]);
  });

  it.each(Object.values(SCRIPTS))(
    "$name is valid Lua under the SHA-1 that Redis gives it",
    async (script) => {
      const redis = new Redis(inject("redisUrl"));
      onTestFinished(() => redis.disconnect());
      expect(await redis.script("LOAD", script.source)).toBe(script.sha1);
      expect(script.upstashSource).toBe(`#!lua flags=allow-key-locking\n${script.source}`);
      expect(await redis.eval("return redis.sha1hex(ARGV[1])", 0, script.upstashSource)).toBe(
        script.upstashSha1,
      );
    },
  );
});

describe("Compiling Lua", () => {
  it("puts what a script includes before it, each file once, and makes no script of a part", async () => {
    const scripts = await compiled({
      "base.lua": "-- The base.\nlocal one = 1\n",
      "sum.lua": "-- @include base.lua\nlocal two = one + one\n",
      "answer.lua": "-- Answers.\n-- @include base.lua\n-- @include sum.lua\n  return one + two\n",
      "other.lua": `return ${QUOTED}`,
    });
    expect(Object.keys(scripts)).toEqual(["answer", "other"]);
    expect(scripts.answer?.source).toBe("local one = 1\nlocal two = one + one\nreturn one + two\n");
    expect(scripts.other?.source).toBe(`return ${QUOTED}\n`);
  });

  it("refuses includes that are missing, go in a circle, or come too late", async () => {
    await expect(compiled({ "a.lua": "-- @include b.lua\nreturn 1" })).rejects.toThrow(
      /b\.lua, which is not there/,
    );
    const circle = {
      "a.lua": "-- @include b.lua\n",
      "b.lua": "-- @include a.lua\n",
      "c.lua": "-- @include a.lua\n",
    };
    await expect(compiled(circle)).rejects.toThrow(/includes a\.lua/);
    const late = { "a.lua": "local x = 1\n-- @include b.lua\n", "b.lua": "" };
    await expect(compiled(late)).rejects.toThrow(/before the first line of code/);
  });

  it.each([
    ["a -- b\n  c", "a\nc"],
    ["--[[ a\n b ]] c", "c"],
    ["--[==[ a ]] b\n ]==] c", "c"],
    ["\n\n  a\n\n\t b  \n", "a\nb"],
    ["a = '-- no comment' -- a comment", "a = '-- no comment'"],
    ['a = "\\"--" -- a comment', 'a = "\\"--"'],
    ["a = [[ --\n   kept\n]]\n  b", "a = [[ --\n   kept\n]]\nb"],
    ["a = [=[ ]] -- kept ]=] -- gone", "a = [=[ ]] -- kept ]=]"],
    ["a - -b", "a - -b"],
    ["t[u[1]]", "t[u[1]]"],
  ])("leaves out comments, indentation and blank lines, but touches no string: %j", (lua, code) => {
    expect(withoutComments(lua, "a.lua")).toBe(code);
  });

  it.each(["a = 'b", 'a = "b\n"', "a = [[ b", "--[[ a"])("refuses what has no end: %j", (lua) => {
    expect(() => withoutComments(lua, "a.lua")).toThrow(/^a\.lua: a string or a comment without its end/);
  });
});

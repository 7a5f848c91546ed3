/** Reads a folder of recordings, and says what of it can't be read: nothing is left out without a word. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { isObject, type JsonObject } from "../../src/providers/json.ts";

export interface RecordedFolder {
  /** The records of `index.json`. */
  answers: JsonObject[];
  /** The rows of `requests.jsonl`. */
  requests: JsonObject[];
  /** What is malformed or missing, one line each. */
  problems: string[];
  /** Bodies that no record names. */
  unnamed: string[];
}

export function readRecordedFolder(folder: string): RecordedFolder {
  const found: RecordedFolder = { answers: [], requests: [], problems: [], unnamed: [] };
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    found.problems.push(`${folder}: there is no such folder`);
    return found;
  }
  const index = textAt(join(folder, "index.json"));
  const rows = textAt(join(folder, "requests.jsonl"));
  if (index === undefined && rows === undefined) {
    found.problems.push(`${folder}: has neither index.json nor requests.jsonl`);
    return found;
  }
  if (index !== undefined) readIndex(index, found);
  if (rows !== undefined) readRows(rows, found);
  const named = new Set(found.answers.map(({ file }) => String(file)));
  found.unnamed = bodiesIn(folder).filter((file) => !named.has(file));
  return found;
}

function readIndex(text: string, { answers, problems }: RecordedFolder): void {
  const list = parsed(text);
  if (!Array.isArray(list)) {
    problems.push("index.json: is no list of records");
    return;
  }
  for (const [place, record] of list.entries()) {
    if (isObject(record)) answers.push(record);
    else problems.push(`index.json: entry ${place + 1} is no object`);
  }
}

function readRows(text: string, { requests, problems }: RecordedFolder): void {
  for (const [place, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = parsed(line);
    if (isObject(row)) requests.push(row);
    else problems.push(`requests.jsonl: line ${place + 1} is no JSON object`);
  }
}

const BODY = /\.(?:json|sse|array)$/;

/** Bodies lie in folders of their own, beside none of the files that say what they are. */
function bodiesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== folder && BODY.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function textAt(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").replace(/^\uFEFF/, "") : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

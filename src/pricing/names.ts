/** How a model's name is read: the names to look up, in order. Rules alone, no fuzzy match. */

/** A provider whose prices to look in, and the names to look up there, in order. */
export interface NameLookup {
  readonly provider: string;
  readonly names: readonly string[];
  /** Another provider's list prices stand in: what the user pays there is not what is paid here. */
  readonly isBorrowed: boolean;
  /** The name says that the call stays in a region, which costs more for some models. */
  readonly regional: boolean;
}

export interface NameQuestion {
  /** As {@link canonicalProvider} has it. */
  provider: string;
  /** In lower case. */
  model: string;
  /** Who chose the name: a call, whose Azure deployments are named at will, or the user's `models`. */
  from: "call" | "models";
  isProvider(name: string): boolean;
}

/**
 * The lookups for a name, the most exact first.
 *
 * Stripped one after the other, each result being a name to try: `models/` and `publishers/…/models/`, an ARN, a known
 * provider before `/` or `:`, Bedrock's region, vendor and version, Vertex's `@date`. Each is tried as it is, without a
 * date, `-latest` or Gemini's `-001` at its end, and, for Claude, with dashes for dots. `ft:BASE:…` is `ft:BASE` and
 * never its base.
 *
 * Azure borrows OpenAI's prices, for a call's own name only where it is a dated one. Bedrock and Google borrow
 * Anthropic's.
 */
export function nameLookups({ provider, model, from, isProvider }: NameQuestion): NameLookup[] {
  const { names: stripped, isClaudeOnBedrock, regional } = strip(model, isProvider);
  const names = allForms(stripped);
  const lookups = [{ provider, names, isBorrowed: false, regional }];
  const lender = priceLender(provider);
  if (lender !== provider) {
    const renamed = stripped.map((name) => name.replace(/^gpt-35-/, "gpt-3.5-"));
    const telling = from === "models" ? renamed : renamed.filter((name) => DATE.test(name));
    lookups.push({ provider: lender, names: allForms(telling), isBorrowed: true, regional });
  }
  const isClaude = names.some((name) => name.startsWith("claude-"));
  if (provider === "google" && isClaude) {
    lookups.push({ provider: "anthropic", names, isBorrowed: true, regional: false });
  }
  if (isClaudeOnBedrock || (provider === "bedrock" && isClaude)) {
    const isRegional = regional || !isClaudeOnBedrock;
    lookups.push({
      provider: "anthropic",
      names,
      isBorrowed: provider !== "anthropic",
      regional: isRegional,
    });
  }
  return lookups;
}

/** A provider's name as prices know it: trimmed, in lower case, other spellings replaced. */
export function canonicalProvider(name: string): string {
  const compared = name.trim().toLowerCase();
  return SPELLINGS.get(compared) ?? compared;
}

/** The provider whose list prices apply where a provider has none of its own: OpenAI for Azure, else itself. */
export function priceLender(provider: string): string {
  return provider === "azure" ? "openai" : provider;
}

const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["azure-openai", "azure"],
  ["vertex", "google"],
  ["vertexai", "google"],
  ["vertex-ai", "google"],
  ["google-vertex", "google"],
  ["gemini", "google"],
  ["amazon-bedrock", "bedrock"],
  ["aws-bedrock", "bedrock"],
  ["x-ai", "xai"],
  ["mistralai", "mistral"],
  ["moonshot", "moonshotai"],
  ["voyage", "voyageai"],
  ["zhipu", "zhipuai"],
  ["z-ai", "zai"],
]);

const PATH = /^(?:.*\/)?models\/|^arn:.*\//;
const LEFT_PART = /^([a-z0-9._-]+)[/:](.+)$/;
const BEDROCK_REGION = /^(us-gov|us|eu|apac|jp|au|ca|global)\.(?=[a-z0-9]+\.)/;
const BEDROCK_VENDOR =
  /^(ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|nvidia|openai|qwen|writer|zai)\./;
const BEDROCK_VERSION = /-v\d+(?::\d+)?$/;
const VERTEX_VERSION = /@(\d{8}|default|latest)$/;
const DATE =
  /-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|(?:20\d\d)?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$/;

function strip(model: string, isProvider: (name: string) => boolean) {
  const pathless = model.replace(PATH, "");
  const [, left, right] = LEFT_PART.exec(pathless) ?? [];
  const own = left !== undefined && right !== undefined && isProvider(left) ? right : pathless;
  const region = BEDROCK_REGION.exec(own)?.[1];
  const regionless = own.replace(BEDROCK_REGION, "");
  const vendor = BEDROCK_VENDOR.exec(regionless)?.[1];
  const vendorless = regionless.replace(BEDROCK_VENDOR, "");
  const versionless = vendor === undefined ? vendorless : vendorless.replace(BEDROCK_VERSION, "");
  const vertexDate = VERTEX_VERSION.exec(versionless)?.[1];
  const base = versionless.replace(VERTEX_VERSION, "");
  const dated = vertexDate === undefined ? base : `${base}-${vertexDate}`;
  const isClaudeOnBedrock = vendor === "anthropic";
  return {
    names: unique([model, pathless, own, regionless, vendorless, versionless, dated, base]),
    isClaudeOnBedrock,
    regional: isClaudeOnBedrock && region !== "global",
  };
}

/** The names as they are, then without dates, then with dashes for Claude's dots. */
function allForms(names: readonly string[]): string[] {
  const exact = names.flatMap((name) =>
    name.startsWith("ft:") ? [name, `ft:${name.split(":")[1]}`] : [name],
  );
  const both = [...exact, ...exact.map(undated)];
  const dashed = both.filter((name) => name.startsWith("claude-")).map((name) => name.replaceAll(".", "-"));
  return unique([...both, ...dashed]);
}

/** Google numbers its stable versions where others date them: `gemini-2.0-flash-001`. */
const NUMBERED_GEMINI = /^(gemini-\d.*)-00\d$/;

function undated(name: string): string {
  return name
    .replace(DATE, "")
    .replace(/-latest$/, "")
    .replace(NUMBERED_GEMINI, "$1");
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

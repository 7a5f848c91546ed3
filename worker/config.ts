/** The Worker's settings, from its environment; or the sentence that says which is missing. */
import { InvalidOptionsError } from "../src/errors.ts";

/** What `wrangler secret put` sets. */
export interface WorkerEnvironment {
  /** Of Upstash's REST API, or of a bridge in front of another Redis. */
  readonly UPSTASH_REDIS_REST_URL?: string;
  readonly UPSTASH_REDIS_REST_TOKEN?: string;
  /** The bearer token of this API's owner: at least 32 characters. */
  readonly AGENTLIMIT_OWNER_TOKEN?: string;
}

export interface WorkerSettings {
  redisUrl: string;
  redisToken: string;
  ownerToken: string;
}

/** @throws InvalidOptionsError naming every setting that is missing or empty. */
export function readSettings(environment: WorkerEnvironment): WorkerSettings {
  const {
    UPSTASH_REDIS_REST_URL: redisUrl = "",
    UPSTASH_REDIS_REST_TOKEN: redisToken = "",
    AGENTLIMIT_OWNER_TOKEN: ownerToken = "",
  } = environment;
  const values = {
    UPSTASH_REDIS_REST_URL: redisUrl,
    UPSTASH_REDIS_REST_TOKEN: redisToken,
    AGENTLIMIT_OWNER_TOKEN: ownerToken,
  };
  const missing = Object.entries(values).flatMap(([name, value]) => (value === "" ? [name] : []));
  if (missing.length === 0) return { redisUrl, redisToken, ownerToken };
  throw new InvalidOptionsError(
    `This deployment lacks ${missing.join(", ")}: set each with \`wrangler secret put NAME\`.`,
  );
}

/** The version of this package. */
import { createRequire } from "node:module";

/** Set by the build. */
declare const __AGENTLIMIT_VERSION__: unknown;

/** Such as `1.2.3`; from source it stands in package.json. */
export function packageVersion(): string {
  const version: unknown =
    typeof __AGENTLIMIT_VERSION__ === "undefined" ? versionOf(packageJson()) : __AGENTLIMIT_VERSION__;
  return typeof version === "string" ? version : "unknown";
}

function packageJson(): unknown {
  return createRequire(import.meta.url)("agentlimit/package.json");
}

function versionOf(manifest: unknown): unknown {
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? manifest.version
    : undefined;
}

/** The keys of the layout. All of a namespace share one hash tag, so that one script may touch them on a cluster. */

/** One scope's account, a hash. */
export const accountKey = (namespace: string, scope: string): string => `${prefix(namespace)}s:${scope}`;

/** One operation's record, a string with a time to live. */
export const operationKey = (namespace: string, id: string): string => `${prefix(namespace)}i:${id}`;

/** The index of scopes, a hash. Only on cold paths: at Upstash a key of a script is a lock, and this one is the namespace's. */
export const indexKey = (namespace: string): string => `${prefix(namespace)}meta`;

/** What administrators did, a bounded list, newest first. */
export const logKey = (namespace: string): string => `${prefix(namespace)}log`;

/** The start of every key of a namespace. */
export const prefix = (namespace: string): string => `agentlimit:{${namespace}}:`;

/** Which hosts are this machine itself: a token may travel to them in the clear. */

/** @param hostname as `URL` gives it, so IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

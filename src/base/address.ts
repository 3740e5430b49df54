/** A host as it stands before a port or in a URL: `::1` → `[::1]`, anything else as it is (RFC 3986 section 3.2.2). */
export function bracketHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatHostPort(host: string, port: number | string): string {
  return `${bracketHost(host)}:${port}`;
}

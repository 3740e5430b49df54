import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Addresses that reach only this machine. */
export const LOOPBACK_NETWORKS: readonly string[] = Object.freeze(['127.0.0.0/8', '::1/128']);

/** `::ffff:10.0.0.11` → `10.0.0.11`: one spelling for an IPv4 peer, whatever socket it came through. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/**
 * An address as far as it tells one peer from another: an IPv4 address whole, of an IPv6 address its first 64 bits
 * (`2001:db8:0:1::/64`), because a host has all the others for itself (RFC 4291 section 2.5.4).
 */
export function addressParty(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || !isIPv6(plain)) return plain;
  // In the one spelling of RFC 5952, which leaves out at most one run of zeros.
  const canonical = new SocketAddress({ address: plain.replace(/%.*$/, ''), family: 'ipv6' }).address;
  const [head = '', tail] = canonical.split('::', 2);
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  if (tail !== undefined) groups.push(...Array.from({ length: missing }, () => '0'), ...tail.split(':'));
  return `${groups
    .slice(0, 4)
    .map((group) => (group === '' ? '0' : group))
    .join(':')}::/64`;
}

/** Splits `10.0.0.0/8`, or a single address; undefined when it is neither. */
export function parseNetwork(
  text: string,
): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0) return undefined;
  const widest = version === 4 ? 32 : 128;
  const suffix = slash < 0 ? String(widest) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > widest) return undefined;
  return { address, prefix: Number(suffix), family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** A set of networks to ask whether an address is in it. */
export class Networks {
  readonly #list = new BlockList();

  /** @param networks - CIDR ranges or addresses; the configuration has checked them already */
  constructor(networks: readonly string[]) {
    for (const text of networks) {
      const network = parseNetwork(text);
      if (network !== undefined) this.#list.addSubnet(network.address, network.prefix, network.family);
    }
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** True for addresses and host names that reach only this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || new Networks(LOOPBACK_NETWORKS).has(host);
}

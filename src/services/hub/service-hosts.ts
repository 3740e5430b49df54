/** The host names that services have for themselves: who asks for one of them is asking the service, not the hub. */
export class ServiceHosts {
  readonly #services: ReadonlyMap<string, string>;

  /** @param hosts - host name → name of the service */
  constructor(hosts: Readonly<Record<string, string>>) {
    this.#services = new Map(Object.entries(hosts).map(([name, service]) => [name.toLowerCase(), service]));
  }

  /** @param host - as the header has it: in any spelling, perhaps with a port */
  find(host: string | undefined): string | undefined {
    if (host === undefined || this.#services.size === 0) return undefined;
    return this.#services.get(host.toLowerCase().replace(/\.?(?::\d*)?$/, ''));
  }
}

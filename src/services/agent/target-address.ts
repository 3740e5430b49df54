import { mapAddresses, pathOnHost } from '../wire/header-addresses.ts';
import type { HeaderList } from '../wire/header-list.ts';

/** Where the target of an agent is, which nobody else needs to know. */
export class TargetAddress {
  readonly #origin: string;
  /** Without a slash at its end. */
  readonly #basePath: string;

  constructor({ origin, pathname }: URL) {
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/+$/, '');
  }

  get basePath(): string {
    return this.#basePath;
  }

  /** `http://10.0.0.7:8080/base`, for the log of the agent. */
  get url(): string {
    return `${this.#origin}${this.#basePath}`;
  }

  /**
   * The head of an answer with addresses as the hub has them: paths below that of the agent's URL.
   *
   * @param target - that was asked for
   */
  hide(headers: HeaderList, target: string): HeaderList {
    return mapAddresses(headers, {
      address: (address) => {
        const found = pathOnHost(address, `${this.#origin}${this.#basePath}${target}`);
        return found === undefined ? address : `${this.#below(found.pathname)}${found.search}${found.hash}`;
      },
      cookiePath: (path) => path && this.#cookieBelow(path),
    });
  }

  #below(path: string): string {
    const base = this.#basePath;
    return path === base || path.startsWith(`${base}/`) ? path.slice(base.length) || '/' : path;
  }

  /** A cookie for what the base is in is for all of it. */
  #cookieBelow(path: string): string {
    const isAround = `${this.#basePath}/`.startsWith(path.endsWith('/') ? path : `${path}/`);
    return isAround ? '/' : this.#below(path);
  }
}

import { RecadoError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { LOOPBACK_NETWORKS, Networks, parseNetwork } from '../base/networks.ts';

/** A listener that strangers could use. */
export type OpenListener = {
  /** The key that opens it: `http.host`. */
  readonly path: string;
  /** What is wrong and what to set, as the end of a sentence that begins with the key. */
  readonly message: string;
};

/**
 * Refuses to start with open listeners, unless the configuration says `insecure`; then each is a loud line in the log.
 *
 * @param program - as texts call it: `the hub`
 * @param remedy - what starts it all the same: `--insecure`
 * @throws {RecadoError} `LISTENER_UNSAFE`
 */
export function refuseOpenListeners(
  listeners: readonly OpenListener[],
  {
    program,
    remedy,
    insecure,
  }: { readonly program: string; readonly remedy: string; readonly insecure: boolean },
  log: Logger,
): void {
  const open = listeners.map(({ path, message }) => `${path} ${message}`);
  if (open.length > 0 && !insecure) {
    const text = `${program} did not start, because strangers could come in:\n  ${open.join('\n  ')}`;
    throw new RecadoError(
      'LISTENER_UNSAFE',
      `${text}\n${remedy} starts it all the same; use it only on a network that you trust wholly.`,
    );
  }
  for (const sentence of open) log.warn({}, `INSECURE: ${sentence}`);
}

/** Whether trusted networks are named beyond those of this machine. */
export function namesMoreThanLoopback(networks: readonly string[]): boolean {
  return networks.some((text) => !isWithinLoopback(text));
}

function isWithinLoopback(text: string): boolean {
  const network = parseNetwork(text);
  if (network === undefined || !new Networks(LOOPBACK_NETWORKS).has(network.address)) return false;
  return network.prefix >= (network.family === 'ipv4' ? 8 : 128);
}

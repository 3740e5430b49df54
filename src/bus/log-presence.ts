import { RecadoError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ClientEvent } from '../mqtt/client/client-options.ts';
import type { Bus, BusEvent } from './bus.ts';

type PresenceEvent = Exclude<BusEvent, { readonly type: 'room' }>;

/** Lets pass what becomes of the broker's presence: of the attempts that fail while it is away, only the first. */
export function filterPresence(tell: (event: PresenceEvent) => void): (event: ClientEvent) => void {
  let isTold = false;
  return (event) => {
    if (event.type === 'room' || event.type === 'restoring' || (event.type === 'retrying' && isTold)) return;
    isTold = event.type === 'retrying';
    tell(event);
  };
}

/**
 * A line in the log for each connection to the broker, and for each loss of it.
 *
 * @param service - whose connection it is, where a program has several
 */
export function logPresence(bus: Bus, log: Logger, service?: string): void {
  const fields = service === undefined ? {} : { service };
  const whose = service === undefined ? '' : `service ${service}: `;
  const tell = filterPresence((event) => {
    if (event.type === 'connected') {
      const { protocolVersion } = event;
      log.info({ ...fields, protocolVersion }, `${whose}connected to the MQTT broker`);
      return;
    }
    const { error } = event;
    const code = error instanceof RecadoError ? error.code : undefined;
    const more =
      event.type === 'subscription-denied' || event.type === 'cut' ? '' : '; trying again until it is there';
    log.warn({ ...fields, code }, `${whose}${error.message}${more}`);
  });
  bus.watch(tell);
}

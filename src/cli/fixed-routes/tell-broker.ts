import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Bus } from '../../bus/bus.ts';

/** A line for each loss of the broker, and for each return; not one for each attempt. */
export function tellBroker(bus: Bus, log: Logger): void {
  let isTold = false;
  bus.watch((event) => {
    if (event.type === 'connected') {
      log.info({ protocolVersion: event.protocolVersion }, 'connected to the MQTT broker');
      isTold = false;
      return;
    }
    if (event.type === 'retrying' && isTold) return;
    isTold = event.type === 'retrying';
    const { error } = event;
    const more = event.type === 'subscription-denied' ? '' : '; trying again until it is there';
    log.warn({ code: error instanceof RecadoError ? error.code : undefined }, `${error.message}${more}`);
  });
}

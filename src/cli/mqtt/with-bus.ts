import { BusError } from '../../bus/bus-error.ts';
import type { Bus } from '../../bus/bus.ts';
import type { ClientBusOptions } from '../../bus/bus-options.ts';
import { watchPresence } from '../../bus/log-presence.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { BrokerTarget } from './connection-flags.ts';

/** Which flags a person may have to look at. */
const FLAGS: Readonly<Partial<Record<string, string>>> = {
  BROKER_UNREACHABLE: '-h, -p; --cafile for TLS',
  BROKER_REFUSED: '-u, -P, -i, -V',
};

/** The text of a failure, in one line. */
export function describeBusError(error: BusError): string {
  const flags = FLAGS[error.code];
  return `${error.message}${flags === undefined ? '' : ` (${flags})`}`;
}

/** A line on standard error, in the manner of all commands. */
export function tellError(text: string): void {
  process.stderr.write(`recado: ${text}\n`);
}

/**
 * Connects, works, and closes. What the broker refused becomes the exit code, as with mosquitto_pub: the return code or
 * Reason Code of CONNACK; other failures are thrown on.
 */
export async function withBus(
  { url, options }: BrokerTarget,
  more: ClientBusOptions,
  work: (bus: Bus) => Promise<void>,
): Promise<void> {
  // MQTT.js is loaded only when there is something to do with it, so that help stays quick.
  const { connectBus } = await import('../../bus/client-bus.ts');
  try {
    const bus = await connectBus(url, { ...options, ...more });
    let cut: BusError | undefined;
    bus.watch((event) => {
      if (event.type === 'cut') cut = event.error;
    });
    try {
      await work(bus);
    } finally {
      await bus.close();
    }
    if (cut !== undefined) throw cut;
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    tellError(describeBusError(error));
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf({ code, reasonCode }: BusError): number {
  if (code === 'CONFIG_INVALID') return 2;
  return code === 'BROKER_REFUSED' && reasonCode !== undefined ? reasonCode : 1;
}

/**
 * Says on standard error what becomes of the connection.
 *
 * @param onTakenOver - another client came with the same client id: to connect again would only drive it out
 */
export function tellConnection(bus: Bus, onTakenOver: (error: BusError) => void): void {
  watchPresence(bus, (event) => {
    if (event.type === 'connected') return tellError('connected again');
    if (event.type === 'cut') return; // It becomes the failure of the command.
    const { error, type } = event;
    const isTakenOver = error instanceof BusError && error.reasonCode === ReasonCode.SESSION_TAKEN_OVER;
    if (type === 'lost' && isTakenOver) return onTakenOver(error);
    return tellError(type === 'lost' ? `${error.message}; connecting again` : error.message);
  });
}

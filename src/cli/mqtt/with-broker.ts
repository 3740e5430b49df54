import { BusError } from '../../bus/bus-error.ts';
import type { Bus } from '../../bus/bus.ts';
import type { ClientBusOptions } from '../../bus/bus-options.ts';
import { filterPresence } from '../../bus/log-presence.ts';
import type { MqttClient } from '../../mqtt/client/client.ts';
import { parseBrokerUrl } from '../../mqtt/client/broker-address.ts';
import type { ClientEvent, MqttClientOptions } from '../../mqtt/client/client-options.ts';
import type { ReceivedMessage } from '../../mqtt/client/message.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { tell } from '../tell.ts';
import type { BrokerTarget, ConnectionFlags } from './connection-flags.ts';

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

/** What a command says on standard error. */
export type Voice = {
  /** A failure, or what becomes of the connection; nothing with `--quiet`. */
  tell(text: string): void;
  /** What happens; only with `-d`. */
  debug(text: string): void;
};

/** Speaks as the flags say, a line each, in the manner of all commands. */
export function voiceOf({ quiet, debug }: Pick<ConnectionFlags, 'quiet' | 'debug'>): Voice {
  return {
    tell: (text) => {
      if (quiet !== true) tell(text);
    },
    debug: (text) => {
      if (debug === true) tell(text);
    },
  };
}

type Listeners = {
  readonly voice: Voice;
  /** Another client came with the same client id: to connect again would only drive it out. */
  readonly onTakenOver: (error: BusError) => void;
  readonly onEvent?: (event: ClientEvent) => void;
};

/**
 * With a client: for a command that says itself what is acknowledged.
 *
 * @param onMessage - may be called before `work` is: in a continued session messages follow CONNACK at once
 */
export function withClient(
  { url, options }: BrokerTarget,
  {
    onMessage,
    ...more
  }: Omit<MqttClientOptions, 'onMessage'> & {
    readonly onMessage: (message: ReceivedMessage, client: MqttClient) => void;
  },
  listeners: Listeners,
  work: (client: MqttClient) => Promise<void>,
): Promise<void> {
  const open = async (onEvent: (event: ClientEvent) => void): Promise<MqttClient> => {
    // Loaded only when there is something to do with it, so that help stays quick.
    const { MqttClient: Client } = await import('../../mqtt/client/client.ts');
    const client: MqttClient = new Client(parseBrokerUrl(url), {
      ...options,
      ...more,
      onEvent,
      onMessage: (message) => onMessage(message, client),
    });
    await client.start(true);
    return client;
  };
  return withBroker(open, listeners, work);
}

/** With a bus. */
export function withBus(
  { url, options }: BrokerTarget,
  more: ClientBusOptions,
  listeners: Listeners,
  work: (bus: Bus) => Promise<void>,
): Promise<void> {
  const open = async (onEvent: (event: ClientEvent) => void): Promise<Bus> => {
    const { connectBus } = await import('../../bus/client-bus.ts');
    const bus = await connectBus(url, { ...options, ...more });
    bus.watch(onEvent);
    return bus;
  };
  return withBroker(open, listeners, work);
}

/**
 * Connects, works, and closes; says on standard error what becomes of the connection meanwhile. What the broker
 * refused becomes the exit code, as with mosquitto_pub: the return code or Reason Code of CONNACK; other failures are
 * thrown on.
 */
async function withBroker<T extends { close(): Promise<void> }>(
  open: (onEvent: (event: ClientEvent) => void) => Promise<T>,
  { onTakenOver, voice, onEvent = () => {} }: Listeners,
  work: (opened: T) => Promise<void>,
): Promise<void> {
  const tell = tellerOf(onTakenOver, voice);
  let isOpen = false;
  let cut: BusError | undefined;
  try {
    const opened = await open((event) => {
      if (event.type === 'cut') cut = event.error;
      onEvent(event);
      voice.debug(describeEvent(event));
      if (isOpen) tell(event);
    });
    isOpen = true;
    try {
      await work(opened);
    } finally {
      await opened.close();
    }
    if (cut !== undefined) throw cut;
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    voice.tell(describeBusError(error));
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf({ code, reasonCode }: BusError): number {
  if (code === 'CONFIG_INVALID') return 2;
  return code === 'BROKER_REFUSED' && reasonCode !== undefined ? reasonCode : 1;
}

function tellerOf(onTakenOver: Listeners['onTakenOver'], voice: Voice): (event: ClientEvent) => void {
  return filterPresence((event) => {
    if (event.type === 'connected') return voice.tell('connected again');
    if (event.type === 'cut') return; // It becomes the failure of the command.
    const { error, type } = event;
    const isTakenOver = error instanceof BusError && error.reasonCode === ReasonCode.SESSION_TAKEN_OVER;
    if (type === 'lost' && isTakenOver) return onTakenOver(error);
    return voice.tell(type === 'lost' ? `${error.message}; connecting again` : error.message);
  });
}

function describeEvent(event: ClientEvent): string {
  if (event.type !== 'connected') return event.type;
  const { protocolVersion, isSessionPresent } = event;
  return `connected, MQTT level ${protocolVersion}${isSessionPresent ? ', the session goes on' : ''}`;
}

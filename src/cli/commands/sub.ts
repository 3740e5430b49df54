import { fstatSync } from 'node:fs';
import type { Command } from 'commander';
import { BusError } from '../../bus/bus-error.ts';
import type { MqttClient } from '../../mqtt/client/client.ts';
import type { ClientEvent } from '../../mqtt/client/client-options.ts';
import type { ReceivedMessage } from '../../mqtt/client/message.ts';
import { MAX_UINT_16, type QoS } from '../../mqtt/codec/control-packet.ts';
import { matchesTopicFilter } from '../../mqtt/topics/topic-filter.ts';
import { clientIdFor, readTarget, type ConnectionFlags } from '../mqtt/connection-flags.ts';
import { mqttCommand } from '../mqtt/flag-table.ts';
import { chooseFormat, type MessageFormat } from '../mqtt/message-format.ts';
import { Printer } from '../mqtt/printer.ts';
import type { Properties } from '../mqtt/property-flags.ts';
import { refuseBadFilters } from '../mqtt/refuse-topics.ts';
import { describeBusError, voiceOf, withClient, type Voice } from '../mqtt/with-broker.ts';
import { stopSignal } from '../stop-signal.ts';

type SubFlags = ConnectionFlags & {
  readonly topic?: readonly string[];
  readonly qos: QoS;
  readonly verbose?: true;
  readonly format?: string;
  readonly newline: boolean;
  readonly count?: number;
  readonly timeout?: number;
  readonly retained: boolean;
  readonly retainedOnly?: true;
  readonly filterOut?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly exitAfterSubscribing?: true;
  readonly removeRetained?: true;
  readonly retainAsPublished?: true;
  readonly randomFilter?: number;
  readonly pretty?: true;
};

/** As mosquitto_sub ends when -W is over. */
const EXIT_TIMEOUT = 27;
const NEWLINE = Buffer.from('\n');
const NOTHING = new Uint8Array(0);

const EXAMPLES = `
Formats (-F), as in mosquitto_sub: %t topic, %p payload, %q QoS, %r retained, %l bytes of payload, %m packet id,
%i client id, %x %X payload in hex, %I %U time, %j %J JSON, %C content type, %R response topic, %D correlation data,
%E expiry, %F payload format, %P user properties, %% a percent sign; a width as in %10t, %-10t, %.10t, %05l;
@Y @m @d @H @M @S @z @F @T @s @N for the time; \\n \\t \\r \\0 \\a \\e \\v \\\\ for characters.

Examples:
  recado sub -t 'house/#' -v                            everything under house, with its topic
  recado sub -t house/lamp -C 1 -W 5                    one message, or exit code 27 after 5 seconds
  recado sub -L mqtts://ana:secret@broker.example/house/# -F '%I %t %p'
  recado sub -t house/camera -C 1 -N > picture.jpg      exactly the bytes
  recado sub -t jobs -q 1 -c -i worker-1                also what comes while it is away

Exit codes: 0 done, 27 the time of -W is over, 1 failed, 2 the command line is wrong; what the broker answered to
CONNECT when it refused it: 4 or 5, 134 or 135 mean the user name and the password.`;

/** `recado sub`. */
export function subCommand(): Command {
  return mqttCommand('sub', 'subscribe to topics of any MQTT broker, and print what comes')
    .addHelpText('after', EXAMPLES)
    .action(runSub);
}

async function runSub(flags: SubFlags, command: Command): Promise<void> {
  const target = readTarget(flags, command);
  const topicFilters = [...(flags.topic ?? []), ...(target.topic === undefined ? [] : [target.topic])];
  const { unsubscribe = [], filterOut = [], count = MAX_UINT_16 } = flags;
  if (topicFilters.length === 0 && unsubscribe.length === 0)
    command.error('error: what to subscribe to? give a topic with -t');
  refuseBadFilters([...topicFilters, ...unsubscribe, ...filterOut], command);
  if (flags.retainedOnly === true && !flags.retained)
    command.error('error: -R and --retained-only leave nothing over');
  const clientId = clientIdFor(target, 'sub');
  const voice = voiceOf(flags);
  const printer = new Printer({ count: flags.count, isPipe: isPipe(process.stdout.fd), write: writeOut });
  const removals: Promise<unknown>[] = [];
  const onMessage = receiverOf(flags, {
    printer,
    voice,
    format: chooseFormat(flags, process.stdout.isTTY, command),
    clientId,
    removals,
  });

  const stopped = stopSignal();
  const listeners = {
    voice,
    onTakenOver: (error: BusError) => printer.end(error),
    onEvent: (event: ClientEvent) => {
      if (event.type === 'connected' && event.isSessionPresent) printer.forgetUnacknowledged();
    },
  };
  // Where the broker can be told, it does not even send what will not be printed.
  const { receiveMaximum = flags.maxInflight ?? MAX_UINT_16 } = target.options;
  const more = {
    clientId,
    receiveMaximum: Math.min(count, receiveMaximum),
    acknowledgesByHand: true,
    onMessage,
  };
  await withClient(target, more, listeners, async (client) => {
    void stopped.then(() => printer.end());
    const timer =
      flags.timeout === undefined
        ? undefined
        : setTimeout(() => {
            process.exitCode = EXIT_TIMEOUT;
            printer.end();
          }, flags.timeout * 1000);
    try {
      const asked = { topicFilters, unsubscribe, properties: target.properties, voice };
      await Promise.race([askAll(client, asked, flags), printer.ended]);
      if (flags.exitAfterSubscribing === true) printer.end();
      await printer.ended;
      await Promise.all(removals);
    } finally {
      clearTimeout(timer);
    }
  });
}

/** What becomes of a message that comes: it is left to the broker, left out, or printed. */
function receiverOf(
  flags: SubFlags,
  parts: {
    readonly printer: Printer;
    readonly voice: Voice;
    readonly format: MessageFormat;
    readonly clientId: string;
    /** Where to put what is on its way to the broker. */
    readonly removals: Promise<unknown>[];
  },
): (message: ReceivedMessage, client: MqttClient) => void {
  const { printer, voice, format, clientId, removals } = parts;
  const { retained, retainedOnly, filterOut = [], randomFilter = 100 } = flags;
  return (message, client) => {
    const { topicName, retain, qos } = message;
    if (!printer.takesMore || flags.exitAfterSubscribing === true) return;
    if (retainedOnly === true && !retain) return printer.end();
    const acknowledge = (): void => void client.acknowledge(message);
    voice.debug(
      `received ${message.payload.length} bytes on ${topicName}, QoS ${qos}${retain ? ', kept' : ''}`,
    );
    if (filterOut.some((filter) => matchesTopicFilter(filter, topicName))) return acknowledge();
    if (retain && flags.removeRetained === true) removals.push(removeRetained(client, topicName, voice));
    if ((retain && !retained) || Math.random() * 100 >= randomFilter) return acknowledge();
    const formatted = format(message, { clientId, now: new Date() });
    if (formatted.ok)
      return printer.print({ qos, bytes: lineOf(formatted.value, flags.newline), acknowledge });
    voice.tell(formatted.failure);
    acknowledge();
  };
}

/** An empty message takes the place of the one that was kept; the broker keeps none that is empty [MQTT-3.3.1-6]. */
async function removeRetained(client: MqttClient, topicName: string, voice: Voice): Promise<void> {
  try {
    await client.publish({ topicName, payload: NOTHING, qos: 1, retain: true });
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    voice.tell(describeBusError(error));
  }
}

type Asked = {
  readonly topicFilters: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly properties: Properties;
  readonly voice: Voice;
};

/** Says of each filter that it was denied; goes on as long as one was granted. */
async function askAll(
  client: MqttClient,
  { topicFilters, unsubscribe, properties, voice }: Asked,
  { qos, retainAsPublished }: SubFlags,
): Promise<void> {
  const denials: BusError[] = [];
  const ask = async (what: string, call: () => Promise<unknown>): Promise<void> => {
    try {
      await call();
      voice.debug(what);
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'BROKER_DENIED') throw error;
      denials.push(error);
    }
  };
  const filters = new Set(topicFilters);
  for (const filter of filters) {
    const options = { qos, retainAsPublished: retainAsPublished === true, ...properties.subscribe };
    await ask(`subscribed to ${filter}`, () => client.subscribe(filter, options));
  }
  const isAllDenied = denials.length > 0 && denials.length === filters.size;
  for (const filter of unsubscribe)
    await ask(`unsubscribed from ${filter}`, () => client.unsubscribe(filter, properties.unsubscribe));
  const last = isAllDenied ? denials.pop() : undefined;
  for (const denial of denials) voice.tell(describeBusError(denial));
  if (last !== undefined) throw last;
}

/** A copy: a payload is the client's again when the message was handed over. */
function lineOf(bytes: Uint8Array, hasNewline: boolean): Uint8Array {
  return Buffer.concat(hasNewline ? [bytes, NEWLINE] : [bytes]);
}

/** A reader that is gone is an error of the stream, which ends the program. */
function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, (error) => {
      if (!error) resolve();
    });
  });
}

function isPipe(fd: number): boolean {
  const stats = fstatSync(fd);
  return stats.isFIFO() || stats.isSocket();
}

import { fstatSync } from 'node:fs';
import { Command } from 'commander';
import { BusError } from '../../bus/bus-error.ts';
import type { MqttClient } from '../../mqtt/client/client.ts';
import type { ClientEvent } from '../../mqtt/client/client-options.ts';
import type { ReceivedMessage } from '../../mqtt/client/message.ts';
import { MAX_UINT_16, type QoS } from '../../mqtt/codec/control-packet.ts';
import { isValidTopicFilter, matchesTopicFilter } from '../../mqtt/topics/topic-filter.ts';
import { addConnectionFlags, readQos, readTarget, type ConnectionFlags } from '../mqtt/connection-flags.ts';
import { chooseFormat } from '../mqtt/message-format.ts';
import { Printer } from '../mqtt/printer.ts';
import { randomClientId } from '../mqtt/random-client-id.ts';
import { describeBusError, tellError, withClient } from '../mqtt/with-broker.ts';
import { stopSignal } from '../stop-signal.ts';
import { wholeNumber } from '../whole-number.ts';

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
};

/** As mosquitto_sub ends when -W is over. */
const EXIT_TIMEOUT = 27;
/** A day and more can be waited for; setTimeout cannot wait longer than 24 days. */
const MAX_TIMEOUT_S = 2_000_000;
const NEWLINE = Buffer.from('\n');

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
  return addConnectionFlags(
    new Command('sub').description('subscribe to topics of any MQTT broker, and print what comes'),
  )
    .option('-t, --topic <filter>', 'topic, or filter with + and #; may be given many times', collect)
    .option('-q, --qos <qos>', 'quality of service: 0, 1 or 2', readQos, 0)
    .option('-v, --verbose', 'print the topic before the payload')
    .option('-F, --format <format>', 'print messages in this form; see below')
    .option('-N, --no-newline', 'no end of line after each message')
    .option('-C, --count <number>', 'end after so many messages', wholeNumber(1, 1_000_000_000))
    .option('-W, --timeout <seconds>', 'end after this time', wholeNumber(1, MAX_TIMEOUT_S))
    .option('-R, --no-retained', 'leave out what the broker had kept')
    .option('--retained-only', 'only what the broker had kept; end at the first other message')
    .option('-T, --filter-out <filter>', 'leave these topics out; may be given many times', collect)
    .addHelpText('after', EXAMPLES)
    .action(runSub);
}

async function runSub(flags: SubFlags, command: Command): Promise<void> {
  const target = readTarget(flags, command);
  const topicFilters = [...(flags.topic ?? []), ...(target.topic === undefined ? [] : [target.topic])];
  if (topicFilters.length === 0) command.error('error: what to subscribe to? give a topic with -t');
  refuseBadFilters([...topicFilters, ...(flags.filterOut ?? [])], command);
  if (flags.retainedOnly === true && !flags.retained)
    command.error('error: -R and --retained-only leave nothing over');
  const clientId = target.options.clientId ?? randomClientId('sub');
  const format = chooseFormat(flags, command);
  const printer = new Printer({ count: flags.count, isPipe: isPipe(process.stdout.fd), write: writeOut });
  const onMessage = (message: ReceivedMessage, client: MqttClient): void => {
    if (!printer.takesMore) return;
    if (flags.retainedOnly === true && !message.retain) return printer.end();
    const acknowledge = (): void => void client.acknowledge(message);
    if (isLeftOut(message, flags)) return acknowledge();
    const formatted = format(message, { clientId, now: new Date() });
    if (formatted.ok)
      return printer.print({ qos: message.qos, bytes: lineOf(formatted.value, flags.newline), acknowledge });
    tellError(formatted.failure);
    acknowledge();
  };

  const stopped = stopSignal();
  const listeners = {
    onTakenOver: (error: BusError) => printer.end(error),
    onEvent: (event: ClientEvent) => {
      if (event.type === 'connected' && event.isSessionPresent) printer.forgetUnacknowledged();
    },
  };
  // Where the broker can be told, it does not even send what will not be printed.
  const receiveMaximum = Math.min(flags.count ?? MAX_UINT_16, MAX_UINT_16);
  const more = { clientId, receiveMaximum, acknowledgesByHand: true, onMessage };
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
      await Promise.race([subscribeAll(client, topicFilters, flags.qos), printer.ended]);
      await printer.ended;
    } finally {
      clearTimeout(timer);
    }
  });
}
/** Says of each filter that it was denied; goes on as long as one was granted. */
async function subscribeAll(client: MqttClient, topicFilters: readonly string[], qos: QoS): Promise<void> {
  let denial: BusError | undefined;
  let granted = 0;
  for (const topicFilter of new Set(topicFilters)) {
    try {
      await client.subscribe(topicFilter, { qos });
      granted++;
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'BROKER_DENIED') throw error;
      if (denial !== undefined) tellError(describeBusError(denial));
      denial = error;
    }
  }
  if (denial === undefined) return;
  if (granted === 0) throw denial;
  tellError(describeBusError(denial));
}

function isLeftOut({ topicName, retain }: ReceivedMessage, { retained, filterOut = [] }: SubFlags): boolean {
  return (retain && !retained) || filterOut.some((filter) => matchesTopicFilter(filter, topicName));
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

function refuseBadFilters(filters: readonly string[], command: Command): void {
  const wrong = filters.find((filter) => !isValidTopicFilter(filter, Number.POSITIVE_INFINITY));
  if (wrong === undefined) return;
  command.error(
    `error: "${wrong}" is not a topic filter: + must be alone in its level, # alone in the last one`,
  );
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

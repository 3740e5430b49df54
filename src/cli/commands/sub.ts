import { Command } from 'commander';
import { BusError } from '../../bus/bus-error.ts';
import type { Bus, BusMessage } from '../../bus/bus.ts';
import type { QoS } from '../../mqtt/codec/control-packet.ts';
import { isValidTopicFilter, matchesTopicFilter } from '../../mqtt/topics/topic-filter.ts';
import { addConnectionFlags, readQos, readTarget, type ConnectionFlags } from '../mqtt/connection-flags.ts';
import { chooseFormat, type MessageFormat } from '../mqtt/message-format.ts';
import { randomClientId } from '../mqtt/random-client-id.ts';
import { describeBusError, tellConnection, tellError, withBus } from '../mqtt/with-bus.ts';
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
  const printer = new Printer(flags, { format: chooseFormat(flags, command), clientId });

  const stopped = stopSignal();
  const take = (message: BusMessage): void => printer.take(message);
  // A continued session brings messages before anything can be subscribed to, and for what was subscribed to earlier.
  const more = { clientId, ...(flags.disableCleanSession === true && { onUnclaimed: take }) };
  await withBus(target, more, async (bus) => {
    void stopped.then(() => printer.end(undefined));
    const timer =
      flags.timeout === undefined
        ? undefined
        : setTimeout(() => {
            process.exitCode = EXIT_TIMEOUT;
            printer.end(undefined);
          }, flags.timeout * 1000);
    tellConnection(bus, (error) => printer.end(error));
    try {
      await Promise.race([subscribeAll(bus, topicFilters, flags.qos, take), printer.ended]);
      await printer.ended;
    } finally {
      clearTimeout(timer);
    }
  });
}

/** Says of each filter that it was denied; goes on as long as one was granted. */
async function subscribeAll(
  bus: Bus,
  topicFilters: readonly string[],
  qos: QoS,
  take: (message: BusMessage) => void,
): Promise<void> {
  let denial: BusError | undefined;
  let granted = 0;
  for (const topicFilter of new Set(topicFilters)) {
    try {
      await bus.subscribe(topicFilter, { qos }, take);
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

/** Prints what is wanted until it is enough. */
class Printer {
  /** Settles when no more is to be printed; rejects when that is a failure. */
  readonly ended: Promise<void>;
  readonly #flags: SubFlags;
  readonly #format: MessageFormat;
  readonly #clientId: string;
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  #isOver = false;
  #printed = 0;
  #last: BusMessage | undefined;

  constructor(flags: SubFlags, { format, clientId }: { format: MessageFormat; clientId: string }) {
    this.#flags = flags;
    this.#format = format;
    this.#clientId = clientId;
    this.ended = this.#end.promise;
    // It may end before anybody waits for it.
    this.ended.catch(() => {});
  }

  take(message: BusMessage): void {
    const { retained, retainedOnly, filterOut = [], count, newline } = this.#flags;
    // Filters that overlap each get the message, though it came once.
    if (this.#isOver || message === this.#last) return;
    this.#last = message;
    if (retainedOnly === true && !message.retain) return this.end(undefined);
    if (message.retain && !retained) return;
    if (filterOut.some((filter) => matchesTopicFilter(filter, message.topicName))) return;
    const formatted = this.#format(message, { clientId: this.#clientId, now: new Date() });
    if (!formatted.ok) return tellError(formatted.failure);
    process.stdout.write(newline ? Buffer.concat([formatted.value, NEWLINE]) : formatted.value);
    this.#printed++;
    if (this.#printed === count) this.end(undefined);
  }

  end(error: Error | undefined): void {
    this.#isOver = true;
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }
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

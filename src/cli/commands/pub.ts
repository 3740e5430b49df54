import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { definedMembers } from '../../base/defined-members.ts';
import type { Bus, OutgoingMessage } from '../../bus/bus.ts';
import { MAX_VARIABLE_BYTE_INTEGER, type QoS } from '../../mqtt/codec/control-packet.ts';
import { readAllBytes, readByteLines } from '../mqtt/byte-lines.ts';
import { readTarget, type ConnectionFlags } from '../mqtt/connection-flags.ts';
import { mqttCommand } from '../mqtt/flag-table.ts';
import { refuseBadTopic } from '../mqtt/refuse-topics.ts';
import { readFlagFile } from '../mqtt/tls-flags.ts';
import { voiceOf, withBus, type Voice } from '../mqtt/with-broker.ts';
import { STOP_SIGNALS, stopSignal } from '../stop-signal.ts';

type PubFlags = ConnectionFlags & {
  readonly topic?: string;
  readonly message?: string;
  readonly file?: string;
  readonly stdinLine?: true;
  readonly stdinFile?: true;
  readonly nullMessage?: true;
  readonly qos: QoS;
  readonly retain?: true;
  readonly repeat: number;
  readonly repeatDelay: number;
};

/** So many lines may be without an acknowledgement before another one is read. */
const MAX_UNACKNOWLEDGED_LINES = 200;
/** For each message: time enough for a broker that restarts. */
const TIMEOUT_MS = 60_000;
const MAX_PAYLOAD_BYTES = MAX_VARIABLE_BYTE_INTEGER;

const EXAMPLES = `
Examples:
  recado pub -t house/lamp -m on
  recado pub -h broker.example -t house/lamp -m on -q 1 -r          at least once, and kept
  recado pub -L mqtt://ana:secret@broker.example/house/lamp -f picture.jpg
  tail -f readings.log | recado pub -t house/log -l                 a message for each line
  recado pub -t house/ask -m '{}' -D publish response-topic house/answer -D publish user-property from me

Exit codes: 0 sent (at QoS 1 and 2: acknowledged), 1 failed, 2 the command line is wrong; what the broker
answered to CONNECT when it refused it: 4 or 5, 134 or 135 mean the user name and the password.`;

/** `recado pub`. */
export function pubCommand(): Command {
  return mqttCommand('pub', 'publish to a topic of any MQTT broker')
    .addHelpText('after', EXAMPLES)
    .action(runPub);
}

async function runPub(flags: PubFlags, command: Command): Promise<void> {
  const target = readTarget(flags, command);
  const topicName = flags.topic ?? target.topic ?? command.error('error: where to? give a topic with -t');
  refuseBadTopic(topicName, command);
  // The client gives aliases itself, as many as it may.
  const { topicAlias: maxTopicAliases, ...properties } = target.properties.publish;
  const message = {
    topicName,
    qos: flags.qos,
    retain: flags.retain === true,
    properties,
  };
  const payloads = await readPayloads(flags, command);

  const stopped = stopSignal();
  const takenOver = Promise.withResolvers<never>();
  const voice = voiceOf(flags);
  const more = { timeoutMs: TIMEOUT_MS, ...definedMembers({ maxTopicAliases }) };
  await withBus(target, more, { onTakenOver: takenOver.reject, voice }, async (bus) => {
    try {
      // Whatever comes first: the standard input may never end.
      const signal = await Promise.race([
        publishAll(bus, message, { payloads, voice }),
        stopped,
        takenOver.promise,
      ]);
      if (signal !== undefined) process.exitCode = STOP_SIGNALS[signal];
    } finally {
      process.stdin.destroy();
    }
  });
}

/** Publishes in order, and waits for all acknowledgements; rejects at the first failure. */
function publishAll(
  bus: Bus,
  message: Omit<OutgoingMessage, 'payload'>,
  { payloads, voice }: { readonly payloads: AsyncIterable<Uint8Array>; readonly voice: Voice },
): Promise<undefined> {
  const unacknowledged = new Set<Promise<void>>();
  const failed = Promise.withResolvers<never>();
  let hasFailed = false;
  const fail = (error: unknown): void => {
    hasFailed = true;
    failed.reject(error);
  };
  let isTold = message.retain === true;
  const publish = async (payload: Uint8Array): Promise<void> => {
    const { matched } = await bus.publish({ ...message, payload });
    voice.debug(`published ${payload.length} bytes on ${message.topicName}, QoS ${message.qos ?? 0}`);
    if (matched !== false || isTold) return;
    isTold = true;
    voice.tell(`sent, but nobody subscribes to ${message.topicName} at the moment`);
  };
  const publishEach = async (): Promise<undefined> => {
    for await (const payload of payloads) {
      const published = publish(payload).catch(fail);
      const settled = published.finally(() => unacknowledged.delete(settled));
      unacknowledged.add(settled);
      if (unacknowledged.size >= MAX_UNACKNOWLEDGED_LINES || message.qos === 0)
        await Promise.race(unacknowledged);
      // On a bus that is closed each one fails at once, and the event loop would not turn before the last of them.
      if (hasFailed) break;
    }
    await Promise.all(unacknowledged);
    return undefined;
  };
  return Promise.race([publishEach(), failed.promise]);
}

/** What to send; a file is read before anything is connected. */
async function readPayloads(flags: PubFlags, command: Command): Promise<AsyncIterable<Uint8Array>> {
  const { message, file, stdinLine, stdinFile, nullMessage } = flags;
  const given = [message, file, stdinLine, stdinFile, nullMessage].filter((each) => each !== undefined);
  if (given.length === 0) command.error('error: what to send? give -m, -f, -l, -s or -n');
  if (given.length > 1) command.error('error: only one of -m, -f, -l, -s and -n can be given');
  if (stdinLine === true) {
    if (flags.repeat > 1) command.error('error: --repeat does not go with -l');
    return readByteLines(process.stdin, MAX_PAYLOAD_BYTES);
  }
  return repeat(await readOnePayload(flags, command), flags);
}

async function readOnePayload({ message, file, stdinFile }: PubFlags, command: Command): Promise<Uint8Array> {
  if (message !== undefined) return Buffer.from(message);
  if (file !== undefined) return readFlagFile('--file', file, command);
  return stdinFile === true ? await readAllBytes(process.stdin, MAX_PAYLOAD_BYTES) : new Uint8Array(0);
}

async function* repeat(payload: Uint8Array, { repeat, repeatDelay }: PubFlags): AsyncGenerator<Uint8Array> {
  for (let time = 0; time < repeat; time++) {
    if (time > 0 && repeatDelay > 0) await delay(repeatDelay * 1000, undefined, { ref: false });
    yield payload;
  }
}

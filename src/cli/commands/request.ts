import type { Command } from 'commander';
import { RecadoError } from '../../base/errors.ts';
import type { BusError } from '../../bus/bus-error.ts';
import type { Bus, MessageProperties } from '../../bus/bus.ts';
import { MAX_VARIABLE_BYTE_INTEGER, type QoS } from '../../mqtt/codec/control-packet.ts';
import type { Answer, CorrelationChoice } from '../../rpc/index.ts';
import { readAllBytes } from '../mqtt/byte-lines.ts';
import { clientIdFor, readTarget, type ConnectionFlags } from '../mqtt/connection-flags.ts';
import { mqttCommand } from '../mqtt/flag-table.ts';
import { chooseFormat, type MessageFormat } from '../mqtt/message-format.ts';
import type { PrintableMessage } from '../mqtt/printable-message.ts';
import { refuseBadTopic } from '../mqtt/refuse-topics.ts';
import { readFlagFile } from '../mqtt/tls-flags.ts';
import { voiceOf, withBus, type Voice } from '../mqtt/with-broker.ts';
import { STOP_SIGNALS, stopSignal, type StopSignal } from '../stop-signal.ts';

type RequestFlags = ConnectionFlags & {
  readonly topic?: string;
  readonly message?: string;
  readonly file?: string;
  readonly stdinFile?: true;
  readonly nullMessage?: true;
  readonly responseTopic?: string;
  readonly correlation: Exclude<CorrelationChoice, object>;
  readonly qos: QoS;
  readonly timeout: number;
  readonly verbose?: true;
  readonly format?: string;
  readonly pretty?: true;
  readonly newline: boolean;
};

/** As mosquitto_rr ends when -W is over. */
const EXIT_TIMEOUT = 27;
const NEWLINE = Buffer.from('\n');

const EXAMPLES = `
How the answer finds the request (--correlation): mqtt5 with Response Topic and Correlation Data; topic with
TOPIC/requests/ID/ID and TOPIC/answers/ID/ID; envelope with {"answerTo": …, "payload": …} on the topic itself;
auto, the default, is mqtt5, or topic where the broker does not speak MQTT 5. With -e all answers have one topic.

Examples:
  recado request house/lamp/state                          ask, and print the answer
  recado request billing/total '{"customer": 7}' -W 3      wait 3 seconds at most, else exit code 27
  recado request api/ping/request '{"ask": "ping"}' -e api/ping/response
  recado request jobs -f job.json -F '%p' -N > result.json

Exit codes: 0 answered, 27 no answer in time, 1 failed, or the answer is an error, 2 the command line is wrong; what
the broker answered to CONNECT when it refused it: 4 or 5, 134 or 135 mean the user name and the password.`;

/** `recado request`. */
export function requestCommand(): Command {
  return mqttCommand('request', 'ask a question over any MQTT broker, and print the answer')
    .argument('[topic]', 'topic to ask on')
    .argument('[payload]', 'send this text (default: nothing)')
    .addHelpText('after', EXAMPLES)
    .action(runRequest);
}

async function runRequest(
  topicArgument: string | undefined,
  payloadArgument: string | undefined,
  flags: RequestFlags,
  command: Command,
): Promise<void> {
  const target = readTarget(flags, command);
  const topicName =
    topicArgument ?? flags.topic ?? target.topic ?? command.error('error: where to? give a topic');
  for (const topic of [topicName, flags.responseTopic ?? topicName]) refuseBadTopic(topic, command);
  // For one message an alias saves nothing.
  const { topicAlias: _, ...properties } = target.properties.publish;
  const format = chooseFormat(flags, process.stdout.isTTY, command);
  const payload = await readPayload(payloadArgument, flags, command);
  const clientId = clientIdFor(target, 'request');
  const voice = voiceOf(flags);

  const stopped = stopSignal();
  const stopping = new AbortController();
  void stopped.then((which) => stopping.abort(which));
  // What others left in a continued session stays there for them.
  const more = { clientId, timeoutMs: flags.timeout * 1000, keepsUnclaimed: true };
  const listeners = { voice, onTakenOver: (error: BusError) => stopping.abort(error) };
  await withBus(target, more, listeners, async (bus) => {
    try {
      const answer = await ask(bus, { topicName, payload, properties, flags, signal: stopping.signal });
      await print(toMessage(answer, flags.qos), format, { clientId, voice, hasNewline: flags.newline });
    } catch (error) {
      process.exitCode = exitCodeOf(error, voice);
    }
  });
}

async function ask(
  bus: Bus,
  request: {
    readonly topicName: string;
    readonly payload: Uint8Array;
    readonly properties: MessageProperties;
    readonly flags: RequestFlags;
    readonly signal: AbortSignal;
  },
): Promise<Answer> {
  const { createRequester } = await import('../../rpc/index.ts');
  const { topicName, payload, properties, flags, signal } = request;
  const { qos, responseTopic } = flags;
  const correlation = responseTopic === undefined ? flags.correlation : { responseTopic };
  const requester = createRequester(bus);
  try {
    const timeoutMs = flags.timeout * 1000;
    return await requester.request(topicName, payload, { qos, properties, correlation, timeoutMs, signal });
  } finally {
    requester.close();
  }
}

/** Prints the answer; the failure that it may tell of becomes the exit code. */
async function print(
  message: PrintableMessage,
  format: MessageFormat,
  {
    clientId,
    voice,
    hasNewline,
  }: {
    readonly clientId: string;
    readonly voice: Voice;
    readonly hasNewline: boolean;
  },
): Promise<void> {
  const { readAnswerError } = await import('../../rpc/index.ts');
  const formatted = format(message, { clientId, now: new Date() });
  if (formatted.ok)
    process.stdout.write(hasNewline ? Buffer.concat([formatted.value, NEWLINE]) : formatted.value);
  else voice.tell(formatted.failure);
  const error = readAnswerError(message);
  if (error !== undefined)
    voice.tell(`the answer is an error: ${error.message} (${error.code}, ${error.status})`);
  if (!formatted.ok || error !== undefined) process.exitCode = 1;
}

function toMessage({ payload, topicName, properties }: Answer, qos: QoS): PrintableMessage {
  return { payload, topicName, properties, qos, retain: false, packetId: 0 };
}

/** The exit code of a failure, which is told when it needs to be; the failures of the broker are `withBus`'s. */
function exitCodeOf(reason: unknown, voice: Voice): number {
  if (typeof reason === 'string') return STOP_SIGNALS[reason as StopSignal];
  if (
    !(reason instanceof RecadoError) ||
    (reason.code !== 'ANSWER_TIMEOUT' && reason.code !== 'NO_RESPONDER')
  )
    throw reason;
  voice.tell(reason.message);
  return reason.code === 'ANSWER_TIMEOUT' ? EXIT_TIMEOUT : 1;
}

async function readPayload(
  argument: string | undefined,
  { message, file, stdinFile, nullMessage }: RequestFlags,
  command: Command,
): Promise<Uint8Array> {
  const given = [argument, message, file, stdinFile, nullMessage].filter((each) => each !== undefined);
  if (given.length > 1) command.error('error: only one of the payload, -m, -f, -s and -n can be given');
  if (file !== undefined) return readFlagFile('--file', file, command);
  if (stdinFile !== true) return Buffer.from(argument ?? message ?? '');
  return readAllBytes(process.stdin, MAX_VARIABLE_BYTE_INTEGER);
}

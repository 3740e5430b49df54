import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { ProtocolVersion } from '../../../src/mqtt/codec/control-packet.ts';
import { ChildProgram } from '../../helpers/child-program.ts';
import type { InteropDriver, ListenOptions, ReceivedMessage } from './interop-driver.ts';

const VERSIONS = { 3: 'mqttv31', 4: 'mqttv311', 5: 'mqttv5' } as const;
/** A line for each message; the topic is last because it may have spaces. */
const FORMAT = '%q %r %x %t';

/** Why the clients of Mosquitto cannot run here; false when they can. */
export function whyNoMosquittoClients(): string | false {
  const missing = ['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return missing.length > 0 && `${missing.join(', ')} not installed (Debian package mosquitto-clients)`;
}

export function mosquittoArguments(port: number, version: ProtocolVersion): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-V', VERSIONS[version]];
}

/** Runs a program to its end, which must be a good one; what it printed. */
export async function runToEnd(words: readonly string[], input: string | Uint8Array = ''): Promise<string> {
  const [command = '', ...args] = words;
  const child = spawn(command, args, { timeout: 30_000 });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => {}); // It ended before it read all.
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual({ code, errors }, { code: 0, errors: '' }, words.join(' '));
  return output;
}

function listenArguments(port: number, options: ListenOptions): string[] {
  const { version, clientId, topicFilter, qos = 0, isDurable = false, will } = options;
  const session = isDurable ? ['-c', ...(version === 5 ? ['-x', '1000'] : [])] : [];
  const last =
    will === undefined
      ? []
      : ['--will-topic', will.topic, '--will-payload', will.payload, '--will-qos', String(will.qos)];
  const words = ['-i', clientId, '-t', topicFilter, '-q', String(qos), '-F', FORMAT];
  return [...mosquittoArguments(port, version), ...words, ...session, ...last];
}

export const mosquittoDriver: InteropDriver = {
  name: 'the clients of Mosquitto',
  skip: whyNoMosquittoClients(),
  usesReasonCodes: true,

  async listen(broker, options) {
    const { clientId } = options;
    const subscribed = broker.subscribes.get(clientId) ?? 0;
    const child = new ChildProgram(['mosquitto_sub', ...listenArguments(broker.port, options)], {
      name: 'mosquitto_sub',
    });
    await broker.untilSubscribed(clientId, subscribed + 1);
    return {
      get messages() {
        return child.lines.flatMap((line) => readMessage(line) ?? []);
      },
      async leave() {
        await child.stop();
      },
      async breakOff() {
        child.signal('SIGKILL');
        await child.exit();
      },
    };
  },

  async publish({ port }, { version, topic, payload, qos = 0, retain = false }) {
    const words = [
      '-t',
      topic,
      '-q',
      String(qos),
      payload.length === 0 ? '-n' : '-s',
      ...(retain ? ['-r'] : []),
    ];
    await runToEnd(['mosquitto_pub', ...mosquittoArguments(port, version), ...words], payload);
  },

  async publishLines({ port }, { version, topic, qos = 0 }, lines) {
    const words = ['-t', topic, '-q', String(qos), '-l'];
    await runToEnd(
      ['mosquitto_pub', ...mosquittoArguments(port, version), ...words],
      `${lines.join('\n')}\n`,
    );
  },
};

function readMessage(line: string): ReceivedMessage | undefined {
  const match = /^([012]) ([01]) ([0-9a-f]*) (.*)$/u.exec(line);
  if (match === null) return undefined;
  const [, qos, retain, payload = '', topic = ''] = match;
  return { topic, payload: Buffer.from(payload, 'hex'), qos: Number(qos), retain: retain === '1' };
}

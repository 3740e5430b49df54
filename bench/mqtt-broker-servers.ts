import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProgram } from '../test/helpers/child-program.ts';
import { findFreePorts } from '../test/helpers/hub-process.ts';
import { SERVER_CORE } from './load-tools.ts';

/** A broker that listens on 127.0.0.1, on the servers' core. */
export type BrokerServer = {
  readonly program: ChildProgram;
  readonly port: number;
  stop(): Promise<void>;
};

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
const ACL_RULES = 100;

/*
 * What Mosquitto does otherwise by itself would not be the same work: it would write to disk, drop what waits beyond
 * 1,000 messages, and cut the connection of a publisher with more than 20 messages of QoS 2 in flight.
 */
const MOSQUITTO_SETTINGS = [
  'allow_anonymous true',
  'persistence false',
  'max_queued_messages 0',
  'max_inflight_messages 0',
  'log_dest stderr',
  'log_type error',
  'log_type warning',
];

/** Where Mosquitto is; Debian puts it where only root looks. Undefined when it is not installed. */
export function findMosquitto(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .map((folder) => path.join(folder, 'mosquitto'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * Starts Mosquitto in memory, without its limits.
 *
 * @param options.delaysSmallPackets - its default, Nagle's algorithm: higher rates under full load, and pauses of 40 ms
 * @throws when it is not installed, or does not start
 */
export async function startMosquitto({
  delaysSmallPackets = false,
}: { delaysSmallPackets?: boolean } = {}): Promise<BrokerServer> {
  const mosquitto = findMosquitto();
  if (mosquitto === undefined) throw new Error('it is not installed (Debian: mosquitto)');
  const { tcp: port } = await findFreePorts();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recado-mosquitto-'));
  const settings = [
    `listener ${port} 127.0.0.1`,
    `set_tcp_nodelay ${String(!delaysSmallPackets)}`,
    ...MOSQUITTO_SETTINGS,
  ];
  await writeFile(path.join(folder, 'mosquitto.conf'), `${settings.join('\n')}\n`);
  const program = start('Mosquitto', [mosquitto, '-c', path.join(folder, 'mosquitto.conf')]);
  return whenListening(program, {
    port: waitForListener(program, port), // it holds back what it prints into a pipe, so no line can tell
    cleanUp: () => rm(folder, { recursive: true }),
  });
}

/** Resolves to `port` when somebody listens there. */
async function waitForListener(program: ChildProgram, port: number): Promise<number> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!program.hasExited && Date.now() < deadline) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return port;
    await sleep(POLL_MS);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** Starts Aedes, as `mqtt-aedes-server.ts` sets it up. */
export function startAedes(): Promise<BrokerServer> {
  return startNodeServer('Aedes', 'mqtt-aedes-server.ts');
}

/** Starts Recado's broker alone; with an ACL file of 100 rules when asked to. */
export async function startRecado({ hasAcl = false }: { hasAcl?: boolean } = {}): Promise<BrokerServer> {
  if (!hasAcl) return startNodeServer('Recado', 'mqtt-recado-server.ts');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'recado-acl-'));
  const file = path.join(folder, 'acl');
  await writeFile(file, `${aclRules().join('\n')}\n`);
  return startNodeServer('Recado with an ACL', 'mqtt-recado-server.ts', {
    args: ['--acl', file],
    cleanUp: () => rm(folder, { recursive: true }),
  });
}

/** Rules for all clients, some with wildcards; the one that lets the load through is the last to be read. */
function aclRules(): string[] {
  const others = Array.from({ length: ACL_RULES - 1 }, (_, index) => {
    const filters = [
      `site/${index}/+/state`,
      `site/${index}/#`,
      `load/${index}/deeper`,
      `+/site-${index}/values`,
    ];
    return `topic ${index % 3 === 0 ? 'read' : 'readwrite'} ${filters[index % filters.length]}`;
  });
  return [...others, 'topic readwrite load/#'];
}

type ServerExtras = { readonly args?: readonly string[]; readonly cleanUp?: () => Promise<void> };

function startNodeServer(
  name: string,
  file: string,
  { args = [], cleanUp = async () => {} }: ServerExtras = {},
): Promise<BrokerServer> {
  const program = start(name, [process.execPath, path.join(import.meta.dirname, file), ...args]);
  const line = program.waitForLine(/^listening \d+$/, { timeoutMs: START_TIMEOUT_MS });
  return whenListening(program, {
    port: line.then((text) => Number(text.slice('listening '.length))),
    cleanUp,
  });
}

function start(name: string, words: readonly string[]): ChildProgram {
  return new ChildProgram([...SERVER_CORE, ...words], { name });
}

/** Waits for the port; when none comes, the program is stopped and its own words say why. */
async function whenListening(
  program: ChildProgram,
  { port, cleanUp }: { readonly port: Promise<number>; readonly cleanUp: () => Promise<void> },
): Promise<BrokerServer> {
  const stop = async (): Promise<void> => {
    await program.stop();
    await cleanUp();
  };
  try {
    return { program, port: await port, stop };
  } catch {
    await stop();
    throw new Error(`it did not start: ${lastWords(program)}`);
  }
}

/** What it printed that says most: an error's message, or else the last line. */
function lastWords(program: ChildProgram): string {
  const lines = [...program.lines, ...program.errorText.split('\n')].filter((line) => line.trim() !== '');
  return lines.find((line) => /error\b/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}

// Everything at once: the broker (its own, unless RECADO_BROKER names one), API 2, the agent, API 1 and both clients;
// one round trip, one message, and the end. Settings: API_1_PORT (5000), API_2_PORT (5001), RECADO_BROKER.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Broker, listenTcp } from 'recado/mqtt';

const { API_1_PORT = '5000', RECADO_BROKER } = process.env;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const children: ChildProcess[] = [];

async function openBroker(): Promise<string> {
  const broker = new Broker();
  await broker.start();
  const { port } = await listenTcp(broker, { host: '127.0.0.1', port: 0 });
  return `mqtt://127.0.0.1:${port}`;
}

const broker = RECADO_BROKER ?? (await openBroker());
say(`broker     ${broker}`);

/** Starts one of the programs beside this one, and waits for its first line. */
async function start(name: string): Promise<ChildProcess> {
  const words = [...process.execArgv, `${import.meta.dirname}/${name}.ts`];
  const env = { ...process.env, RECADO_BROKER: broker };
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface(child.stdout).on('line', (line) => say(`${name.padEnd(10)} ${line}`));
  const ended = once(child, 'exit').then(() =>
    Promise.reject(new Error(`${name} ended before it was ready`)),
  );
  await Promise.race([once(lines, 'line'), ended]);
  ended.catch(() => {});
  return child;
}

try {
  await Promise.all([start('api-2'), start('agent'), start('api-1')]);
  const answer = await fetch(`http://localhost:${API_1_PORT}/ping`);
  say(`\ncurl http://localhost:${API_1_PORT}/ping\n${answer.status} ${await answer.text()}\n`);

  const subscriber = await start('client-a');
  const heard = once(createInterface(subscriber.stdout as NodeJS.ReadableStream), 'line');
  spawn(process.execPath, [...process.execArgv, `${import.meta.dirname}/client-b.ts`], {
    env: { ...process.env, RECADO_BROKER: broker },
    stdio: 'inherit',
  });
  await heard;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  for (const child of children) child.kill();
  // The broker of this process would go on.
  process.exit();
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { HANG_MS } from './until.ts';
import { ChildProgram } from './child-program.ts';
import { PYTHON, whyNoPaho } from './paho.ts';
import { recadoWords } from './hub-process.ts';
import { plainEnvironment } from './run-program.ts';

const SEED = path.join(import.meta.dirname, '..', 'seed', 'http-over-mqtt');
/** For the `skip` option of a test: false where Paho can be used, else why it was skipped. */
export const skipWithoutPaho: false | string = whyNoPaho();

/** The settings of the seed's own mosquitto.conf, without its port. */
export function seedMosquittoSettings(): string[] {
  const lines = readFileSync(path.join(SEED, 'mosquitto.conf'), 'utf8').trim().split('\n');
  return lines.filter((line) => !line.startsWith('listener '));
}

export type SeedProgram = 'api_1' | 'api_2' | 'agent' | 'client_a' | 'client_b';

/** One of the seed's programs, in Python; it ends with the test. */
export function startSeedRoute(
  t: TestContext,
  name: SeedProgram,
  args: readonly string[] = [],
): ChildProgram {
  const program = new ChildProgram([PYTHON, path.join(SEED, `${name}.py`), ...args], { name: `${name}.py` });
  t.after(() => program.stop());
  return program;
}

/** Where a program of the seed finds the broker. */
export function seedBroker(url: string): string[] {
  return ['--broker-host', '127.0.0.1', '--broker-port', new URL(url).port];
}

/** Starts `api_1.py` or `api_2.py` on any port. */
export async function startSeedApi(
  t: TestContext,
  name: 'api_1' | 'api_2',
  args: readonly string[] = [],
): Promise<{ program: ChildProgram; url: string }> {
  const program = startSeedRoute(t, name, ['--port', '0', ...args]);
  const line = await program.waitForLine(/^Running on /);
  return { program, url: line.slice('Running on '.length) };
}

/** A folder of its own with these files in it; gone when the test ends. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'recado-routes-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

/** The gateway of the protocol's document. */
export function gatewayYaml({ broker, timeoutMs = 5000 }: { broker: string; timeoutMs?: number }): string {
  return `
http: { port: 0 }
broker: ${broker}
routes:
  - route: GET /ping
    request: api/ping/request
    response: api/ping/response
    payload: { ask: ping }
    timeoutMs: ${timeoutMs}
    reply: { response: "$answer" }
`;
}

/** The agent of the protocol's document. */
export function agentYaml({ broker, api2 }: { broker: string; api2: string }): string {
  return `
broker: ${broker}
routes:
  - request: api/ping/request
    response: api/ping/response
    call: POST ${api2}/ping
    timeoutMs: 5000
    reply: { message: "$.message", received: "$request" }
`;
}

/** Runs `recado` with these words in a folder; it ends with the test. */
export function startRecado(t: TestContext, folder: string, ...words: readonly string[]): ChildProgram {
  const program = new ChildProgram(recadoWords(...words), {
    name: `recado ${words[0]}`,
    cwd: folder,
    env: { ...plainEnvironment(), RECADO_BROKER: undefined as unknown as string },
  });
  t.after(() => program.stop());
  return program;
}

/** Starts `recado gateway` and waits until it listens and has the broker. */
export async function startGatewayProgram(
  t: TestContext,
  yaml: string,
): Promise<{ program: ChildProgram; url: string }> {
  const program = startRecado(t, folderWith(t, { 'gateway.yaml': yaml }), 'gateway');
  await program.waitForLine('Connected with reason code 0');
  return { program, url: await gatewayUrl(program) };
}

/** Starts `recado agent --config` and waits until it answers. */
export async function startAgentProgram(t: TestContext, yaml: string): Promise<ChildProgram> {
  const folder = folderWith(t, { 'agent.yaml': yaml });
  const program = startRecado(t, folder, 'agent', '--config', 'agent.yaml');
  await program.waitForLine('Connected with reason code 0');
  return program;
}

/** Where a gateway listens, out of its log. */
export async function gatewayUrl(program: ChildProgram): Promise<string> {
  const deadline = performance.now() + HANG_MS;
  for (;;) {
    const url = /"address":"(http:[^"]+)"/.exec(program.errorText)?.[1];
    if (url !== undefined) return url;
    if (program.hasExited || performance.now() > deadline)
      throw new Error(`the gateway does not listen:\n${program.errorText}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

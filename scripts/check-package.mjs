// Packs the package as npm would publish it, looks at what is in it, installs it elsewhere and runs it.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedNode, root, runQuietly } from './checkout.mjs';

/** The pages of the web console are in it compressed already, for brotli and for gzip: half a mebibyte. */
const MAX_PACKED_BYTES = 1_572_864;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const EXPECTED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'bin/recado.js',
  'dist/cli/main.js',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/console/index.html',
  'dist/recado.1',
];
const ALLOWED =
  /^(package\.json|[A-Z][A-Za-z.-]*\.md|LICENSE|bin\/recado\.js|grafana\/recado\.json|dist\/recado\.1|dist\/.+\.(js|d\.ts)|dist\/console\/(index\.html|assets\/[\w.-]+\.(js|css|svg)(\.br|\.gz)?))$/;

/** The types of the client come from schemas far below it: a strict program of somebody else must see them whole. */
const CLIENT_PROGRAM = `import { createClient, type Device } from 'recado/client';
const { devices } = createClient({ url: 'http://hub' });
const device: Device | undefined = (await devices.list({ status: 'online', limit: undefined })).devices[0];
export const title: string | null | undefined = device?.title;
export const answered: string | undefined = (await devices.invoke('a', 'b', { input: 1 })).invocation.phases.answered;
// @ts-expect-error: a type that was not found would be any, and take this
export const status: 'gone' | undefined = device?.presence.status;
`;

/** What somebody writes who has a store or a transport of his own: every type that they speak of can be named. */
const MQTT_PROGRAM = `import { Written, StoredMessage } from 'recado/mqtt';
import type { QueuedRecord, SessionRecord, SessionStore, Slice, StoredMessageParts, StoredState } from 'recado/mqtt';
import type { SubscriptionOptions, TopicFilter, Transport } from 'recado/mqtt';
export class OwnStore implements SessionStore {
  readonly #retained = new Map<string, StoredMessageParts>();
  load(): StoredState {
    const retained = [...this.#retained.values()].map((parts) => new StoredMessage(parts));
    return { sessions: Own.none(), retained: Own.one(retained) };
  }
  saveSession({ will }: SessionRecord): void { if (will !== undefined) this.saveRetained(will.message); }
  deleteSession(_clientId: string): void {}
  saveSubscription(_clientId: string, _filter: TopicFilter, _options: SubscriptionOptions): void {}
  deleteSubscription(_clientId: string, _filter: TopicFilter): void {}
  saveQueued(_clientId: string, { message }: QueuedRecord): void { this.saveRetained(message); }
  updateQueued(_clientId: string, _sequence: number, _packetId: number, _isReleased: boolean): void {}
  deleteQueued(_clientId: string, _sequence: number): void {}
  saveReceivedPacketId(_clientId: string, _packetId: number): void {}
  deleteReceivedPacketId(_clientId: string, _packetId: number): void {}
  saveRetained(message: StoredMessage): void { this.#retained.set(message.topicName, message); }
  deleteRetained(topicName: string): void { this.#retained.delete(topicName); }
  commit(): undefined {}
  async close(): Promise<void> {}
}
const Own = {
  async *none(): AsyncGenerator<never> {},
  async *one<T>(value: T): AsyncGenerator<T> { yield value; },
};
export function writeSlices(this: Transport, slices: readonly Slice[], start: number, end: number): Written {
  for (const { bytes, block } of slices.slice(start, end)) { this.write(bytes); block?.release(); }
  return Written.TAKEN;
}
// @ts-expect-error: a type that was not found would be any, and take this
export const body: number = new OwnStore().load().retained;
`;

const STRICT = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
/** This one's own, and the one that many programs are still written with. */
const COMPILERS = ['node_modules', 'tools/typescript-5/node_modules'].map((modules) =>
  join(root, modules, 'typescript', 'bin', 'tsc'),
);

/** What newcomers copy. */
function shownPrograms() {
  const read = (file) => readFileSync(join(root, file), 'utf8');
  const snippets = [...read('README.md').matchAll(/```ts\n(.*?)```/gs)].map(([, program], index) => [
    `readme-${index + 1}.mts`,
    program,
  ]);
  const examples = ['thermometer', 'client'].map((name) => [`${name}.mts`, read(`examples/${name}.ts`)]);
  return Object.fromEntries([...snippets, ...examples]);
}

const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'recado-package-'));
try {
  const packed = await pack();
  checkContents(packed);
  await checkThatItRuns(join(folder, packed.filename));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function pack() {
  // The build has run: the package is packed as it stands.
  const { output } = await runQuietly('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--loglevel=error',
    '--pack-destination',
    folder,
  ]);
  return JSON.parse(output.slice(output.indexOf('[')))[0];
}

function checkContents({ files, size }) {
  const paths = files.map((file) => file.path);
  for (const path of EXPECTED) if (!paths.includes(path)) problems.push(`the package lacks ${path}`);
  for (const path of paths) {
    if (!ALLOWED.test(path) || path.includes('.test.')) problems.push(`the package should not hold ${path}`);
  }
  if (size > MAX_PACKED_BYTES)
    problems.push(`the package is ${size} bytes packed; at most ${MAX_PACKED_BYTES} are sane`);
}

async function checkThatItRuns(archive) {
  const modules = join(folder, 'node_modules');
  const target = join(modules, 'recado');
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'recado' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  await runQuietly('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  const run = (args) => runQuietly(pinnedNode(), args, { cwd: folder });

  const printed = await run([join(target, 'bin', 'recado.js'), '--version']);
  if (printed.output.trim() !== version)
    problems.push(`the packed program printed no version:\n${printed.output}`);
  await checkTypes(run, { 'client.mts': CLIENT_PROGRAM }, []);
  await checkTypes(run, { 'mqtt.mts': MQTT_PROGRAM, ...shownPrograms() }, ['node']);
  for (const name of [
    'recado',
    'recado/device',
    'recado/client',
    'recado/mqtt',
    'recado/bus',
    'recado/rpc',
  ]) {
    const imported = await run(['--input-type=module', '--eval', `await import('${name}')`]);
    if (imported.exitCode !== 0) problems.push(`the packed ${name} cannot be imported:\n${imported.output}`);
  }
}

async function checkTypes(run, programs, types) {
  const files = Object.keys(programs);
  for (const file of files) writeFileSync(join(folder, file), programs[file]);
  const compilerOptions = { ...STRICT, target: 'es2024', module: 'nodenext', lib: ['esnext', 'dom'], types };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  for (const compiler of COMPILERS) {
    const { exitCode, output } = await run([compiler, '-p', folder]);
    if (exitCode !== 0) problems.push(`there are types that ${compiler} cannot use:\n${output}`);
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecadoError } from '../base/errors.ts';
import { prepareDevice } from './definition.ts';
import { createDevice, defineDevice } from './device.ts';

const run = (): void => {};

function pointersOf(create: () => unknown): string[] {
  try {
    create();
  } catch (error) {
    assert.equal((error as RecadoError).code, 'DESCRIPTION_INVALID');
    return (error as RecadoError).issues.map(({ pointer }) => pointer);
  }
  return assert.fail('nothing was wrong');
}

test('mistakes are found where they are made, each with its place', () => {
  assert.deepEqual(
    pointersOf(() => createDevice({})),
    ['/id'],
  );
  assert.deepEqual(
    pointersOf(() => createDevice({ id: 'a b', commands: { 'no name': { run } } })),
    ['/commands/no name', '/id'],
  );
  const commands = { a: { run: 5 as never, kind: 'wrong' as never, input: { $ref: '#' }, expectedMs: -1 } };
  assert.deepEqual(
    pointersOf(() => createDevice({ id: 'a', title: 'x'.repeat(300), commands })),
    ['/title', '/commands/a/kind', '/commands/a/input/$ref', '/commands/a/expectedMs', '/commands/a/run'],
  );
  assert.throws(() => createDevice({}), /must have 1 to 64 letters/);
});

test('in version 1 the hub gives the id, so none is needed', () => {
  const device = createDevice({ protocol: 1 });
  assert.deepEqual([device.id, device.protocol, device.state.status], [undefined, 1, 'offline']);
});

test('a definition can be made into several devices', () => {
  const lamp = defineDevice({ title: 'Lamp', commands: { on: { run } } });
  const devices = ['lamp-1', 'lamp-2'].map((id) => createDevice({ ...lamp, id }));
  assert.deepEqual(
    devices.map(({ id }) => id),
    ['lamp-1', 'lamp-2'],
  );
});

test('the general description is a command in version 2, unless the device has one of that name', () => {
  const describe = (): { x: number } => ({ x: 1 });
  const names = (definition: Parameters<typeof prepareDevice>[0], protocol: 1 | 2): string[] =>
    prepareDevice(definition, protocol).commands.map(({ name }) => name);
  assert.deepEqual(names({ id: 'a', commands: { on: { run } }, describe }, 2), ['on', 'describe']);
  assert.deepEqual(names({ id: 'a', commands: { describe: { run } }, describe }, 2), ['describe']);
  assert.deepEqual(names({ id: 'a', commands: { on: { run } } }, 2), ['on']);
  assert.deepEqual(names({ commands: { on: { run } }, describe }, 1), ['on']);
  assert.deepEqual(prepareDevice({ title: 'Lamp' }, 1).describe.run({} as never), { Descrição: 'Lamp' });
});

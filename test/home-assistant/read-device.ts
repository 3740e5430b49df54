import assert from 'node:assert/strict';
import {
  describeDevice,
  type DescribedDevice,
} from '../../src/gateways/home-assistant/discovery/describe-device.ts';
import { identitiesOf } from '../../src/gateways/home-assistant/discovery/device-identity.ts';
import { StateMessage } from '../../src/gateways/home-assistant/discovery/state-message.ts';
import { ItemReader } from '../../src/gateways/home-assistant/item-reader.ts';

/** Configs by the topics that they are published at, below the prefix. */
export type Configs = Readonly<Record<string, object>>;

/** Components that could not be used: `key why`. */
export type ReadDevice = { readonly device: DescribedDevice; readonly broken: readonly string[] };

/** The one device that some configs make together. */
export function readDevice(configs: Configs): ReadDevice {
  const reader = new ItemReader('homeassistant');
  const broken: string[] = [];
  const items = Object.entries(configs).map(([topic, config]) => {
    const read = reader.read(`homeassistant/${topic}/config`, JSON.stringify(config));
    assert.ok(read.ok && read.value !== 'migrating', JSON.stringify(read));
    broken.push(...read.value.broken.map(({ key, why }) => `${key} ${why}`));
    return read.value.items[0]!;
  });
  return { device: describeDevice(items, identitiesOf(items[0]?.device)), broken };
}

/** What the metrics of a device are after a message; `!` and why, where it makes no sense. */
export function stateOf(
  device: DescribedDevice,
  topicName: string,
  payload: unknown,
): Record<string, unknown> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const message = new StateMessage(text, false);
  const values = [...device.metrics]
    .filter(([, { topics }]) => topics.includes(topicName))
    .map(([name, { read }]) => {
      const value = read(message);
      return [name, value.ok ? value.value : `! ${value.failure}`] as const;
    });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** What goes out for a command: `topic payload`; `!` and why, where there is nothing. */
export function payloadOf(device: DescribedDevice, name: string, input?: unknown): string {
  const command = device.commands.get(name);
  if (command === undefined) return `! no command ${name}`;
  const payload = command.makePayload(input);
  return payload.ok ? `${command.topic} ${payload.value}` : `! ${payload.failure}`;
}

/** Whether it is there, after what its availability topics have said; undefined where they have said neither. */
export function availabilityOf(
  device: DescribedDevice,
  topicName: string,
  payload: string,
): boolean | undefined {
  const message = new StateMessage(payload, true);
  for (const part of device.availability.values())
    for (const { topic, read } of part?.sources ?? []) if (topic === topicName) return read(message);
  return undefined;
}

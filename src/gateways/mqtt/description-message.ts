import type { Command } from '../../devices/command.ts';
import type { Device } from '../../devices/device.ts';
import { definedMembers } from '../../base/defined-members.ts';
import { isJsonObject } from '../../base/json.ts';

/** A device as the hub shows it to others, in the words in which devices describe themselves. */
export function descriptionMessage(device: Device, hub: string): string {
  const { commands, telemetry, events = [] } = device.description;
  const { title, model } = device;
  return JSON.stringify({
    hub,
    ...definedMembers({ title, model }),
    commands: Object.fromEntries(commands.map((command) => [command.name, wireCommand(command)])),
    telemetry: Object.fromEntries(telemetry.map(({ metric, ...rest }) => [metric, rest])),
    ...(events.length > 0 && {
      events: Object.fromEntries(events.map(({ name, ...rest }) => [name, rest])),
    }),
  });
}

/** The hub that shows a device of its own by this description; undefined where a device speaks for itself. */
export function hubOfDescription(value: unknown): string | undefined {
  const hub = isJsonObject(value) ? value['hub'] : undefined;
  return typeof hub === 'string' ? hub : undefined;
}

function wireCommand({ name: _name, number: _number, ...command }: Command): object {
  return command;
}

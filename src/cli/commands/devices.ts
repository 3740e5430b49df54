import { Option, type Command } from 'commander';
import type { Device } from '../../client/index.ts';
import { tellFailure } from '../devices/failures.ts';
import { hubQuestion, namesOption, openHub, printLine, type HubFlags } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';

type DevicesFlags = HubFlags & {
  readonly status?: 'online' | 'offline';
  readonly gateway?: string;
  readonly search?: string;
  readonly names?: true;
};

const HELP = `
Examples:
  recado devices                       all that the hub knows
  recado devices --status offline      those that are away
  recado devices --json | jq .deviceId
  complete -W "$(recado devices --names)" recado`;

/** `recado devices`: the devices of a hub, a line each. */
export function devicesCommand(): Command {
  return hubQuestion('devices', 'list the devices of a hub', HELP)
    .addOption(new Option('--status <status>', 'only these').choices(['online', 'offline']))
    .option('--gateway <name>', 'only those that came by this one')
    .option('--search <text>', 'only those with this in their id, title or model')
    .addOption(namesOption('only the ids, a line each: for completion'))
    .action(listDevices);
}

async function listDevices(flags: DevicesFlags, command: Command): Promise<void> {
  const { status, gateway, search: q, names, json } = flags;
  const client = openHub(flags, command);
  try {
    let count = 0;
    const rows: string[][] = [];
    for await (const device of client.devices.all({ status, gateway, q })) {
      count++;
      if (json === true) printLine(JSON.stringify(device));
      else if (names === true) printLine(device.deviceId);
      else rows.push(rowOf(device));
    }
    if (count === 0) process.stderr.write('recado: there is none; `recado simulate sensor` starts one\n');
    printTable(['DEVICE', 'STATUS', 'GATEWAY', 'COMMANDS', 'TITLE'], rows);
  } catch (error) {
    tellFailure(error, flags);
  }
}

function rowOf({ deviceId, presence, gateway, commandCount, title, model }: Device): string[] {
  return [deviceId, presence.status, gateway, String(commandCount), title ?? model ?? ''];
}

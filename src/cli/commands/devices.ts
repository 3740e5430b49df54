import { Option, type Command } from 'commander';
import type { Device } from '../../client/index.ts';
import { tellFailure } from '../devices/failures.ts';
import { hubQuestion, namesOption, openHub, printLine, type HubFlags } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';
import { tell } from '../tell.ts';

type DevicesFlags = HubFlags & {
  readonly status?: 'online' | 'offline';
  readonly gateway?: string;
  readonly search?: string;
  readonly tag?: string;
  readonly names?: true;
};

const HELP = `
Examples:
  recado devices                       all that the hub knows
  recado devices --status offline      those that are away
  recado devices --tag floor2          those that people have given this tag
  recado devices --json | jq .deviceId
  recado devices --names               ids alone, a line each`;

/** `recado devices`: the devices of a hub, a line each. */
export function devicesCommand(): Command {
  return hubQuestion('devices', 'list the devices of a hub', HELP)
    .addOption(new Option('--status <status>', 'only these').choices(['online', 'offline']))
    .option('--gateway <name>', 'only those that came by this one')
    .option('--tag <tag>', 'only those that have this tag')
    .option('--search <text>', 'only those with this in their id, title, model or a tag')
    .addOption(namesOption('only the ids, a line each: for completion'))
    .action(listDevices);
}

async function listDevices(flags: DevicesFlags, command: Command): Promise<void> {
  const { status, gateway, tag, search: q, names, json } = flags;
  const client = openHub(flags, command);
  try {
    let count = 0;
    const rows: string[][] = [];
    for await (const device of client.devices.all({ status, gateway, tag, q })) {
      count++;
      if (json === true) printLine(JSON.stringify(device));
      else if (names === true) printLine(device.deviceId);
      else rows.push(rowOf(device));
    }
    if (count === 0) {
      const isNarrowed = [status, gateway, tag, q].some((wish) => wish !== undefined);
      const next = isNarrowed ? '`recado devices` lists all' : '`recado simulate sensor` starts one';
      tell(`there is none; ${next}`);
    }
    printTable(['DEVICE', 'STATUS', 'GATEWAY', 'COMMANDS', 'TAGS', 'TITLE'], rows);
  } catch (error) {
    tellFailure(error, flags);
  }
}

function rowOf({ deviceId, presence, gateway, commandCount, tags = [], title, model }: Device): string[] {
  const name = title ?? model ?? '';
  return [deviceId, presence.status, gateway, String(commandCount), tags.join(','), name];
}

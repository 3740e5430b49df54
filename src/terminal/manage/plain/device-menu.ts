import type { Client, Command, DeviceDetails, DeviceTelemetry } from '../../../client/index.ts';
import { isDescribe, sayPresence, sayReading, sayReason, titleOf, titleOfMetric } from '../device-words.ts';
import { sayTimestamp } from '../time-words.ts';
import { askUnlessHelp, attempt, tellFailure, valueText, type Leave, type PlainDesk } from './plain-desk.ts';
import { sendCommand } from './send-command.ts';

const HELP = [
  'plain.help.command',
  'plain.help.description',
  'plain.help.refresh',
  'plain.help.forget',
  'plain.help.back',
  'plain.help.quit',
] as const;

/** A device as it was when it was asked for. */
type Snapshot = {
  readonly device: DeviceDetails;
  readonly telemetry: DeviceTelemetry;
  readonly commands: readonly Command[];
};

/** One device: tells what it reports, sends the commands that are chosen. */
export async function runDeviceMenu(desk: PlainDesk, deviceId: string): Promise<Leave> {
  const { say, prompt } = desk;
  let snapshot = await load(desk, deviceId);
  for (;;) {
    if (snapshot === undefined) return 'back';
    const text = await askUnlessHelp(desk, { question: `${deviceId}> `, help: HELP });
    switch (text) {
      case undefined:
      case 'q':
        return 'quit';
      case 'b':
      case '0':
        return 'back';
      case '':
      case 'r':
        snapshot = await load(desk, deviceId);
        break;
      case 'd':
        await describe(desk, snapshot);
        break;
      case 'x':
        if (await forget(desk, deviceId)) return 'back';
        break;
      default: {
        const command = snapshot.commands.find((item) => String(item.number) === text || item.name === text);
        if (command === undefined) prompt.tell(say('plain.unknownChoice', { text }));
        else await sendCommand(desk, { deviceId, command });
      }
    }
  }
}

async function load(desk: PlainDesk, deviceId: string): Promise<Snapshot | undefined> {
  const ask = async ({ devices }: Client): Promise<Snapshot> => {
    const [device, telemetry, commands] = await Promise.all([
      devices.get(deviceId),
      devices.telemetry(deviceId),
      devices.commands(deviceId),
    ]);
    return { device, telemetry, commands };
  };
  const snapshot = await attempt(desk, ask);
  if (!snapshot.ok) {
    tellFailure(desk, snapshot.error);
    return undefined;
  }
  const { answer } = snapshot;
  desk.prompt.tell([...tellDevice(desk, answer), '', sayMenu(desk, answer)].join('\n'));
  return answer;
}

function tellDevice({ say, clock }: PlainDesk, { device, telemetry, commands }: Snapshot): string[] {
  const now = clock.now();
  const name = [device.deviceId, titleOf(device)].filter((part) => part !== '').join(', ');
  const readings = telemetry.readings.map(
    (reading) =>
      `${titleOfMetric(device, reading.metric)}: ${sayReading(say, reading)} (${sayTimestamp(reading.time, now)})`,
  );
  const { unavailable } = telemetry;
  if (unavailable !== null) {
    readings.unshift(
      say('device.readings.unavailable', {
        time: sayTimestamp(unavailable.time, now),
        reason: unavailable.reason,
      }),
    );
  }
  const numbered = commands
    .filter((command) => !isDescribe(command))
    .map((command) => `${command.number}. ${sayCommand(command)}`);
  return [
    `${name}: ${sayPresence(say, device, now)} (${sayReason(say, device.presence.reason)})`,
    '',
    `${say('device.readings')}:`,
    ...(readings.length === 0 ? [say('device.readings.none')] : readings),
    '',
    ...(numbered.length === 0 ? [say('device.commands.none')] : [`${say('device.commands')}:`, ...numbered]),
  ];

  function sayCommand(command: Command): string {
    return command.input === null ? command.title : `${command.title} (${say('device.needsInput')})`;
  }
}

function sayMenu({ say }: PlainDesk, { device }: Snapshot): string {
  const keys = [
    say('plain.key.description'),
    say('plain.key.refresh'),
    ...(device.presence.status === 'offline' ? [say('plain.key.forget')] : []),
    say('plain.key.back'),
    say('plain.key.help'),
    say('plain.key.quit'),
  ];
  return say('plain.menu.device', { keys: keys.join(', ') });
}

/** Its general description: what the hub knows, then what the device says when it is asked. */
async function describe(desk: PlainDesk, { device, commands }: Snapshot): Promise<void> {
  const { say, clock, prompt } = desk;
  const now = clock.now();
  const facts: (readonly [string, string | null])[] = [
    [say('description.id'), device.deviceId],
    [say('description.name'), device.title],
    [say('description.model'), device.model],
    [say('description.gateway'), device.gateway],
    [say('description.presence'), say(`presence.${device.presence.status}`)],
    [say('description.reason'), sayReason(say, device.presence.reason)],
    [say('description.since'), sayTimestamp(device.presence.since, now)],
    [say('description.lastSeen'), sayTimestamp(device.presence.lastSeen, now)],
  ];
  const lines = facts
    .filter(([, text]) => text !== null && text !== '')
    .map(([label, text]) => `${label}: ${text}`);
  const command = commands.find(isDescribe);
  if (command === undefined) return prompt.tell(lines.join('\n'));
  const result = await attempt(desk, (client) => client.devices.invoke(device.deviceId, command.name));
  if (result.ok) lines.push('', `${say('description.own')}:`, ...valueText(result.answer.output, say));
  prompt.tell(lines.join('\n'));
  if (!result.ok) tellFailure(desk, result.error);
}

/** True when the hub has forgotten the device. */
async function forget(desk: PlainDesk, deviceId: string): Promise<boolean> {
  const { say, prompt } = desk;
  const text = await prompt.ask(say('plain.forget', { id: deviceId }));
  if (text?.trim().toLowerCase() !== say('plain.yes')) return false;
  const result = await attempt(desk, (client) => client.devices.forget(deviceId));
  if (result.ok) prompt.tell(say('device.forget.done', { id: deviceId }));
  else tellFailure(desk, result.error);
  return result.ok;
}

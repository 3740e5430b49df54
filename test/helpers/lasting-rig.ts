import type { TestContext } from 'node:test';
import type { Json } from './json.ts';
import { WireDevice } from './wire-device.ts';

export const PUMP_DESCRIPTION = {
  title: 'Pump',
  commands: {
    start: { title: 'Start', input: { type: 'integer', minimum: 1 } },
    level: { title: 'Level', kind: 'read' },
    stop: { title: 'Stop' },
  },
};

export const PUMP = '/api/v1/devices/pump/commands';

/** A framed device that says who it is, and then nothing by itself. */
export async function joinPump(
  t: TestContext,
  tcpPort: number,
  description: object = PUMP_DESCRIPTION,
): Promise<WireDevice> {
  const device = await WireDevice.connect(t, tcpPort);
  device.send(`${JSON.stringify({ recado: 2, id: 'pump', description })}\n`);
  await device.nextObject();
  return device;
}

/** Answers a command that the device was sent. */
export function answerCommand(device: WireDevice, command: Record<string, Json>, output: unknown): void {
  device.send(`${JSON.stringify({ re: command['cmd'], output })}\n`);
}

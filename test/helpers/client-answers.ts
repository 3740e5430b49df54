import assert from 'node:assert/strict';
import type { Device } from '../../src/client/index.ts';

export const TIME = '2026-11-22T10:00:00.000Z';

/** A device as the hub shows it. */
export function device(deviceId: string): Device {
  return {
    deviceId,
    title: 'Sensor',
    model: null,
    gateway: 'socket',
    presence: { status: 'online', sequence: 3, reason: 'reconnected', since: TIME, lastSeen: TIME },
    commandCount: 3,
  };
}

export const INVOCATION = {
  id: 'i1',
  deviceId: 'DE1',
  command: 'ligar',
  state: 'completed',
  phases: { accepted: TIME, sent: TIME },
};

/** What a call that must not succeed threw. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return assert.fail('it should have failed');
}

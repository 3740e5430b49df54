import { signal, type Signal } from '@preact/signals';
import {
  ClientError,
  ProblemError,
  type Command,
  type DeviceDetails,
  type HubEvent,
  type Invocation,
  type Reading,
} from '../../src/client/index.ts';
import { follow } from './live.ts';
import { hub } from './session.ts';

const MAX_INVOCATIONS = 20;

/** All that a page about one device shows. */
export type DeviceState = {
  readonly device: Signal<DeviceDetails | 'unknown' | undefined>;
  /** Why the hub did not tell of it, when it was asked last. */
  readonly fault: Signal<ClientError | undefined>;
  readonly commands: Signal<readonly Command[]>;
  readonly readings: Signal<ReadonlyMap<string, Reading>>;
  readonly invocations: Signal<readonly Invocation[]>;
};

/** Asks for a device, and follows what happens at it, until the answer is called. */
export function followDevice(deviceId: string): { readonly state: DeviceState; readonly end: () => void } {
  const state: DeviceState = {
    device: signal(undefined),
    fault: signal(undefined),
    commands: signal([]),
    readings: signal(new Map()),
    invocations: signal([]),
  };
  const ended = new AbortController();
  const ask = (): void => void load(deviceId, state, ended.signal);
  const unfollow = follow((event) => {
    if ('deviceId' in event ? event.deviceId === deviceId : event.type !== 'disconnected')
      apply(event, state, ask);
  });
  ask();
  return {
    state,
    end: () => {
      unfollow();
      ended.abort();
    },
  };
}

async function load(deviceId: string, state: DeviceState, signal: AbortSignal): Promise<void> {
  const { devices, invocations } = hub();
  try {
    const [device, commands, { readings }, { invocations: sent }] = await Promise.all([
      devices.get(deviceId, { signal }),
      devices.commands(deviceId, { signal }),
      devices.telemetry(deviceId, { signal }),
      invocations.list({ deviceId, limit: MAX_INVOCATIONS, signal }),
    ]);
    state.commands.value = commands;
    state.readings.value = new Map(readings.map((reading) => [reading.metric, reading]));
    state.invocations.value = sent;
    state.device.value = device;
    state.fault.value = undefined;
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ClientError)) throw error;
    // While the hub is away the page keeps what it has; it asks again when the stream is there.
    if (error instanceof ProblemError && error.code === 'DEVICE_UNKNOWN') state.device.value = 'unknown';
    else state.fault.value = error;
  }
}

function apply(event: HubEvent, state: DeviceState, ask: () => void): void {
  const device = state.device.peek();
  switch (event.type) {
    case 'presence':
      if (typeof device !== 'object') return ask();
      state.device.value = { ...device, presence: { ...event.presence, lastSeen: event.time } };
      return undefined;
    case 'reading': {
      const { type: _type, id: _id, deviceId: _deviceId, ...reading } = event;
      state.readings.value = new Map(state.readings.peek()).set(reading.metric, reading);
      return undefined;
    }
    case 'invocation': {
      const others = state.invocations.peek().filter(({ id }) => id !== event.invocation.id);
      const all = [event.invocation, ...others].sort((one, other) => (one.id < other.id ? 1 : -1));
      state.invocations.value = all.slice(0, MAX_INVOCATIONS);
      return undefined;
    }
    case 'forgotten':
      state.device.value = 'unknown';
      return undefined;
    case 'description':
    case 'reset':
    case 'missed':
      return ask();
    case 'connected':
      if (!event.isResumed || device === undefined) ask();
      return undefined;
    default:
      return undefined;
  }
}

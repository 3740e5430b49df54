import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  CommandResource,
  DeviceDetailResource,
  DeviceResource,
  InvocationResource,
  TelemetryResource,
} from '../api/schemas.ts';
import type { Problem as ServerProblem } from '../api/problems.ts';
import type { Command, Device, DeviceDetails, DeviceTelemetry, Invocation, Problem } from './resources.ts';

/** Does not compile unless everything that the hub may send is what the client says it gets. */
type Fits<Sent extends Got, Got> = [Sent, Got];

export type EveryAnswerFits = [
  Fits<DeviceResource, Device>,
  Fits<DeviceDetailResource, DeviceDetails>,
  // Their schemas are checked when a description comes in, and are any JSON to the API.
  Fits<Omit<CommandResource, 'input' | 'output'>, Omit<Command, 'input' | 'output'>>,
  Fits<InvocationResource, Invocation>,
  Fits<TelemetryResource, DeviceTelemetry>,
  Fits<Pick<ServerProblem, 'device' | 'errors' | 'status'>, Pick<Problem, 'device' | 'errors' | 'status'>>,
];

test('the shapes of the client are those of the hub', () => {
  // The compiler has checked it, or `tsc` fails in this file.
  const answers: EveryAnswerFits | undefined = undefined;
  assert.equal(answers, undefined);
});

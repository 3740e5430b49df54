import type { Failure } from '../../../devices/failure.ts';

/** Its command had been sent: nobody knows whether it was done. */
export function lostFailure(deviceId: string): Failure {
  return {
    code: 'DEVICE_LOST',
    message: `The connection to device ${deviceId} was lost before it answered. It may have done the command.`,
  };
}

/** @param limit - what may be how large, and the key of the configuration that says so */
export function inputTooLarge(deviceId: string, limit: string): Failure {
  const message = `The input is too large for device ${deviceId}.`;
  return { code: 'INPUT_INVALID', message, issues: [{ pointer: '', message: limit }] };
}

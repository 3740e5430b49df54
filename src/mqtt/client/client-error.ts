import { RecadoError, type ErrorCode } from '../../base/errors.ts';
import { reasonCodeName } from '../codec/reason-code.ts';
import type { PacketName } from '../codec/control-packet.ts';

/** What is thrown when the broker, or the way to it, does not do what was asked. */
export class MqttClientError extends RecadoError {
  /** What the broker said: a Reason Code of MQTT 5, a return code of MQTT 3; undefined when it said nothing. */
  readonly reasonCode: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; reasonCode?: number } = {}) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause });
    this.reasonCode = options.reasonCode;
  }
}

/** CONNACK return codes of MQTT 3.1 and 3.1.1 (`[v3.1.1]` table 3.1). */
const RETURN_CODES: readonly string[] = [
  'Connection accepted',
  'Unacceptable protocol version',
  'Client Identifier rejected',
  'Server unavailable',
  'Bad user name or password',
  'Not authorized',
];

/** The standards' words for a code in `packet`: below 0x80 a CONNACK has the return codes of MQTT 3. */
export function reasonText(code: number, packet: PacketName): string {
  const returnCode = packet === 'CONNACK' ? RETURN_CODES[code] : undefined;
  return returnCode ?? reasonCodeName(code, packet);
}

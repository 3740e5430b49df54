import type { Framer } from '../codec/framer.ts';
import type { Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';

/** Section 3.12: answered with a PINGRESP [MQTT-3.12.4-1]. */
export function handlePingreq(connection: Connection, framer: Framer): void {
  decodeShown<'pingreq'>(connection, framer);
  connection.send({ type: 'pingresp' });
}

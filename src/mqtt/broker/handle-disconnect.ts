import { protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts';
import { end } from './connection/end-connection.ts';
import type { Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';
import { changeSessionExpiry } from './session-lifecycle.ts';

/** Section 3.14. */
export function handleDisconnect(connection: Connection, framer: Framer): void {
  const { reasonCode, properties } = decodeShown<'disconnect'>(connection, framer);
  const { sessionExpiryInterval } = properties;
  if (sessionExpiryInterval !== undefined) {
    // Section 3.14.2.2.2: a session that was to end with its connection cannot be kept afterwards.
    if (connection.requestedSessionExpiry === 0 && sessionExpiryInterval > 0) {
      throw protocolError('DISCONNECT sets a Session Expiry Interval where CONNECT had none');
    }
    changeSessionExpiry(connection, sessionExpiryInterval);
  }
  if (reasonCode === ReasonCode.NORMAL_DISCONNECTION) connection.will = undefined; // [MQTT-3.14.4-3]
  end(connection, 'disconnect', { reasonCode, reason: reasonCodeName(reasonCode, 'DISCONNECT') });
}

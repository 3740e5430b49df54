import { protocolError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { Authentication } from './authentication.ts';
import { end } from './connection/end-connection.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';

/** Section 3.15: the next step of an exchange, or the first of a new one (section 4.12.1). */
export function handleAuth(connection: Connection, framer: Framer): void {
  const { reasonCode, properties } = decodeShown<'auth'>(connection, framer);
  const { authenticationMethod, authenticationData } = properties;
  if (connection.authenticationMethod === undefined) {
    throw protocolError('AUTH came although CONNECT had no Authentication Method'); // [MQTT-4.12.0-6]
  }
  if (authenticationMethod !== connection.authenticationMethod) {
    throw protocolError('the Authentication Method is another than in CONNECT'); // [MQTT-4.12.1-1] [MQTT-4.12.0-5]
  }
  const { authentication } = connection;
  if (authentication !== undefined) {
    if (reasonCode !== ReasonCode.CONTINUE_AUTHENTICATION) {
      throw protocolError('an exchange goes on with 0x18 Continue authentication'); // [MQTT-4.12.0-3]
    }
    authentication.next(authenticationData);
    return;
  }
  if (connection.state !== ConnectionState.CONNECTED || reasonCode !== ReasonCode.RE_AUTHENTICATE) {
    throw protocolError('a new exchange begins with 0x19 Re-authenticate');
  }
  authenticateAgain(connection, authenticationMethod, authenticationData);
}

function authenticateAgain(connection: Connection, name: string, data: Uint8Array | undefined): void {
  const method = connection.acceptor.hooks.authenticationMethods.get(name);
  const client = connection.client!;
  if (method === undefined) {
    const reason = `there is no method ${name}`;
    end(connection, 'refused', { reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD, reason });
    return;
  }
  connection.authentication = new Authentication(connection, method, client, (success) => {
    if (success.userName !== client.userName) {
      const reason = 'the user is another than before';
      end(connection, 'refused', { reasonCode: ReasonCode.NOT_AUTHORIZED, reason });
      return;
    }
    const authentication = success.data === undefined ? {} : { authenticationData: success.data };
    const properties = { authenticationMethod: name, ...authentication };
    connection.send({ type: 'auth', reasonCode: ReasonCode.SUCCESS, properties });
  });
  connection.authentication.next(data);
}

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { acceptTransport } from '../transport/stream.ts';
import { SocketReader } from '../transport/tcp.ts';
import { WebSocketTransport } from '../transport/websocket-transport.ts';
import { acceptKeyOf, takeOverSocket } from '../transport/websocket-upgrades.ts';
import type { BrokerAddress } from './broker-address.ts';
import { peerOf, type Caller } from './caller.ts';

const KEY_BYTES = 16;

/** @returns gives it up, while neither of the caller's functions was called */
export function dialWebSocket(
  address: BrokerAddress,
  options: ConnectionOptions & { readonly localAddress?: string },
  caller: Caller,
): () => void {
  const { protocol, host, port, path } = address;
  const isSecure = protocol === 'wss';
  const key = randomBytes(KEY_BYTES).toString('base64');
  const { request } = isSecure
    ? process.getBuiltinModule('node:https')
    : process.getBuiltinModule('node:http');
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Protocol': 'mqtt', // [MQTT-6.0.0-3]
  };
  const asked = request({ ...options, host, port, path, headers, agent: false });
  const onError = (error: Error): void => caller.onUnreachable(error);
  asked.once('error', onError);
  asked.once('response', ({ statusCode }) => {
    asked
      .off('error', onError)
      .on('error', () => {})
      .destroy();
    onError(new Error(`Unexpected server response: ${statusCode}`));
  });
  asked.once('upgrade', (response, socket, head) => {
    asked.off('error', onError);
    const fault = findHandshakeFault(response, key);
    if (fault !== undefined) {
      socket.destroy();
      return onError(new Error(fault));
    }
    const reader = new SocketReader();
    const upgraded = takeOverSocket(socket, reader);
    const peer = peerOf(address, isSecure ? 'websocket-tls' : 'websocket');
    const transport = new WebSocketTransport(upgraded, peer, 'client');
    reader.transport = transport;
    if (acceptTransport(caller, transport) && head.length > 0) transport.take(head, head.length);
  });
  asked.end();
  return () =>
    void asked
      .off('error', onError)
      .on('error', () => {})
      .destroy();
}

/** What is wrong with the opening handshake of a server: RFC 6455 section 4.1. */
function findHandshakeFault({ headers }: IncomingMessage, key: string): string | undefined {
  if (headers['sec-websocket-accept'] !== acceptKeyOf(key))
    return 'The server has not understood the upgrade';
  const subprotocol = headers['sec-websocket-protocol'];
  return subprotocol === 'mqtt' ? undefined : `The server speaks ${subprotocol ?? 'nothing'} and not mqtt`;
}

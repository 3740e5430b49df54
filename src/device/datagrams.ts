import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { HubSocket } from './hub-socket.ts';

/**
 * Datagrams to the hub, from the port number of the TCP connection where that is free: in version 1 they carry no
 * id, and the port is what tells several devices on one address apart.
 */
export class Datagrams {
  readonly #socket: Socket;
  readonly #udpPort: number;
  readonly #hubAddress: string;
  /** The last datagram that was to be sent before the socket was ready. */
  #pending: Buffer | undefined;
  #isReady = false;
  #isClosed = false;

  constructor(connection: HubSocket, udpPort: number) {
    this.#hubAddress = connection.remoteAddress ?? '127.0.0.1';
    this.#udpPort = udpPort;
    this.#socket = createSocket(isIPv6(this.#hubAddress) ? 'udp6' : 'udp4');
    this.#bind(connection.localPort, connection.localAddress);
    // At once, or another device's next connection could get this port number and not its datagrams.
    connection.whenClosed(() => this.#close());
  }

  /** Sends one datagram; true when it was taken. Nobody tells whether it arrived. */
  send(bytes: Buffer): boolean {
    if (this.#isClosed) return false;
    if (!this.#isReady) {
      this.#pending = bytes;
      return true;
    }
    // With a callback, errors such as a closed port at the hub come here instead of as an event.
    this.#socket.send(bytes, ignore);
    return true;
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #bind(port: number, address: string | undefined): void {
    const onTaken = (): void => {
      if (port === 0) return this.#close();
      this.#bind(0, address);
    };
    this.#socket.once('error', onTaken);
    this.#socket.bind({ port, exclusive: true, ...(address !== undefined && { address }) }, () => {
      this.#socket.off('error', onTaken);
      this.#socket.on('error', ignore);
      if (this.#isClosed) return;
      this.#socket.connect(this.#udpPort, this.#hubAddress, (error?: Error) => this.#onReady(error));
    });
  }

  #onReady(error: Error | undefined): void {
    if (this.#isClosed) return;
    if (error !== undefined) return this.#close();
    this.#isReady = true;
    if (this.#pending !== undefined) this.send(this.#pending);
    this.#pending = undefined;
  }
}

const ignore = (): void => {};

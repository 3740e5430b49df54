import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { NOBODY } from '../../base/log-budget.ts';
import { plainAddress } from '../../base/networks.ts';
import type { SessionContext } from './session/device-session.ts';
import { isSigned, parseSigned } from './wire/signed-datagrams.ts';

/** Receives the datagrams of all devices on one UDP socket. */
export class TelemetryReceiver {
  readonly #context: SessionContext;
  #socket: Socket | undefined;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Binds; throws the system's error (`EADDRINUSE` …). */
  async start(): Promise<{ port: number }> {
    const { host, udpPort, receiveBufferBytes } = this.#context.options;
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(udpPort, host, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    this.#growReceiveBuffer(socket, receiveBufferBytes);
    socket.on('error', (error) =>
      this.#context.logBudget.write(
        'failures of connections',
        { err: error },
        'the UDP socket reported an error',
        NOBODY,
      ),
    );
    socket.on('message', (bytes, from) => this.#onDatagram(bytes, from));
    this.#socket = socket;
    return { port: socket.address().port };
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => void socket.close(() => resolve()));
  }

  /** The system may give less than asked, or refuse; what counts is what it gave. */
  #growReceiveBuffer(socket: Socket, bytes: number): void {
    try {
      socket.setRecvBufferSize(bytes);
    } catch {
      // Then the system's own size stays.
    }
    const given = socket.getRecvBufferSize();
    if (given >= bytes) return;
    this.#context.log.debug(
      { asked: bytes, given },
      `the system gives ${given} bytes to datagrams that wait, not ${bytes}: bursts may be lost. On Linux, raise net.core.rmem_max.`,
    );
  }

  #onDatagram(bytes: Buffer, from: RemoteInfo): void {
    const { counters, directory } = this.#context;
    counters.datagramsReceived++;
    if (isSigned(bytes)) return this.#onSigned(bytes);
    const address = plainAddress(from.address);
    const group = directory.plainAt(address);
    if (group === undefined) {
      counters.datagramsDroppedUnknownAddress++;
      return this.#tellUnknown(address);
    }
    const session = group.find(from.port, this.#context.clock.monotonic());
    if (session === undefined) {
      counters.datagramsDroppedAmbiguous++;
      this.#tellAmbiguous(address);
    } else if (session.onDatagram(bytes)) {
      counters.datagramsTaken++;
    } else {
      counters.datagramsDroppedInvalid++;
    }
  }

  #onSigned(bytes: Buffer): void {
    const { counters, directory } = this.#context;
    const message = parseSigned(bytes);
    const id = message?.['id'];
    const session = typeof id === 'string' ? directory.framed(id) : undefined;
    if (message === undefined || session === undefined) counters.datagramsDroppedForged++;
    else session.onDatagram(bytes, message);
  }

  #tellUnknown(address: string): void {
    const text = `datagrams from ${address} are dropped: no device is connected from there`;
    this.#context.tellOnce.warn('unknown', address, text);
  }

  #tellAmbiguous(address: string): void {
    this.#context.tellOnce.warn(
      'ambiguous',
      address,
      `datagrams from ${address} are dropped: several devices share the address, and it cannot be told whose they are. ` +
        'A device that sends them from the port of its TCP connection is told apart.',
    );
  }
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { ManualClock } from './manual-clock.ts';

/** Sockets are read in turns of the event loop; what was read last may be answered in the one after. */
const QUIET_TURNS = 3;

/**
 * Real TCP connections under a clock that stands still: time goes on only when every byte that one end of this
 * process has written was read by the other. Only for tests in which both ends are in this process.
 */
export class StillWires {
  readonly #clock: ManualClock;
  readonly #sockets = new Set<Socket>();

  constructor(t: Pick<TestContext, 'after'>, clock: ManualClock) {
    this.#clock = clock;
    const add = (message: unknown): void => {
      const { socket } = message as { socket: Socket };
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    };
    for (const channel of CHANNELS) subscribe(channel, add);
    t.after(() => CHANNELS.forEach((channel) => unsubscribe(channel, add)));
  }

  /** Lets `ms` pass, in steps that are short beside every timeout, and calls `eachSecond` on the way. */
  async pass(ms: number, eachSecond: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      if (passed % 1000 === 0) eachSecond();
      this.#clock.advance(STEP_MS);
      await this.settle();
    }
  }

  /** Waits until nothing is on its way. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#isMoving()) quiet = -1;
    }
  }

  #isMoving(): boolean {
    const byPort = new Map([...this.#sockets].map((socket) => [portsOf(socket), socket]));
    return [...this.#sockets].some((socket) => {
      const peer = byPort.get(`${socket.remotePort}-${socket.localPort}`);
      return socket.connecting || (peer !== undefined && socket.bytesWritten !== peer.bytesRead);
    });
  }
}

const CHANNELS = ['net.client.socket', 'net.server.socket'] as const;
const STEP_MS = 250;

function portsOf({ localPort, remotePort }: Socket): string {
  return `${localPort}-${remotePort}`;
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TestContext } from 'node:test';

const IN_CHILD = 'peer-sockets';

type OpenRequest = {
  readonly port: number;
  /** What each says when it has connected. */
  readonly openings: readonly Uint8Array[];
  readonly reads: boolean;
  readonly hasTls: boolean;
};

/** Sockets in a process of their own: what they cost is not measured with what a server keeps for them. */
export class PeerSockets {
  readonly #child = fork(import.meta.filename, [IN_CHILD], { serialization: 'advanced' });

  constructor(t: TestContext) {
    t.after(() => this.#child.kill());
  }

  /** All of them leave. */
  async leave(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill();
    await exit;
  }

  /** Opens one for each opening; resolves when all have been handed to the system. */
  async open(
    port: number,
    openings: readonly Uint8Array[],
    { reads = true, hasTls = false } = {},
  ): Promise<void> {
    const done = once(this.#child, 'message');
    this.#child.send({ port, openings, reads, hasTls } satisfies OpenRequest);
    await done;
  }
}

async function openSocket({ port, reads, hasTls }: OpenRequest, opening: Uint8Array): Promise<Socket> {
  const socket = hasTls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await once(socket, hasTls ? 'secureConnect' : 'connect');
  if (reads) socket.resume();
  if (opening.length > 0) await new Promise((resolve) => socket.write(opening, resolve));
  return socket;
}

async function openSockets(request: OpenRequest): Promise<void> {
  for (const opening of request.openings) await openSocket(request, opening);
  process.send?.(request.openings.length);
}

if (process.argv[2] === IN_CHILD) process.on('message', (request: OpenRequest) => void openSockets(request));

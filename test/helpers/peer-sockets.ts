import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

const IN_CHILD = 'peer-sockets';

type OpenRequest = {
  readonly port: number;
  /** What each says when it has connected. */
  readonly openings: readonly Uint8Array[];
  readonly reads: boolean;
};

/** Sockets in a process of their own: what they cost is not measured with what a server keeps for them. */
export class PeerSockets {
  readonly #child = fork(import.meta.filename, [IN_CHILD], { serialization: 'advanced' });

  constructor(t: TestContext) {
    t.after(() => this.#child.kill());
  }

  /** Opens one for each opening; resolves when all have been handed to the system. */
  async open(port: number, openings: readonly Uint8Array[], reads = true): Promise<void> {
    const done = once(this.#child, 'message');
    this.#child.send({ port, openings, reads } satisfies OpenRequest);
    await done;
  }
}

async function openSocket({ port, reads }: OpenRequest, opening: Uint8Array): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (reads) socket.resume();
  if (opening.length > 0) await new Promise((resolve) => socket.write(opening, resolve));
  return socket;
}

async function openSockets(request: OpenRequest): Promise<void> {
  for (const opening of request.openings) await openSocket(request, opening);
  process.send?.(request.openings.length);
}

if (process.argv[2] === IN_CHILD) process.on('message', (request: OpenRequest) => void openSockets(request));

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Turn, type TurnWork } from '../base/turn.ts';

/**
 * Requests of one connection that are begun in one turn of the event loop. The parser gives all that came in one piece
 * at once, which can be thousands, and everybody else would wait for them. A body counts as one more for each 4 KiB.
 */
const MAX_REQUESTS_PER_TURN = 16;
const BODY_SHIFT = 12;
/** Of one connection, for later turns. More can come in one piece only, of requests that say next to nothing. */
const MAX_WAITING_REQUESTS = 1024;
/** Of all connections together, at about 4 KiB each: nobody knows yet whose they are, so they are in no books. */
const MAX_ALL_WAITING = 16_384;

/** Requests of all connections that wait for later turns. */
type WaitingRequests = { count: number };

/** Requests that a connection sends without waiting for answers are shared out over turns of the event loop. */
export function spreadPipelines(server: Server): void {
  const turn = new Turn();
  const all: WaitingRequests = { count: 0 };
  const pipelines = new WeakMap<Socket, Pipeline>();
  for (const handle of server.listeners('request') as RequestListener[]) {
    server.off('request', handle);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      let pipeline = pipelines.get(request.socket);
      if (pipeline === undefined) {
        pipeline = new Pipeline(request.socket, { turn, all, handle });
        pipelines.set(request.socket, pipeline);
      }
      pipeline.take(request, response);
    });
  }
}

/** The requests of one connection. */
class Pipeline implements TurnWork {
  readonly #socket: Socket;
  readonly #turn: Turn;
  readonly #all: WaitingRequests;
  readonly #handle: RequestListener;
  #waiting: { readonly request: IncomingMessage; readonly response: ServerResponse }[] = [];
  /** In this turn. */
  #begun = 0;

  constructor(
    socket: Socket,
    { turn, all, handle }: { turn: Turn; all: WaitingRequests; handle: RequestListener },
  ) {
    this.#socket = socket;
    this.#turn = turn;
    this.#all = all;
    this.#handle = handle;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    if (this.#socket.destroyed) return;
    if (this.#waiting.length === 0 && this.#hasTimeFor(request)) return this.#begin(request, response);
    if (this.#waiting.length === 0) {
      this.#socket.pause();
      this.#socket.on('resume', this.#pauseAgain);
    }
    this.#waiting.push({ request, response });
    this.#all.count++;
    if (this.#waiting.length > this.#mostWaiting()) this.#giveUp();
  }

  endTurn(): void {
    this.#begun = 0;
    let count = 0;
    for (const { request, response } of this.#waiting) {
      if (!this.#hasTimeFor(request)) break;
      count++;
      if (!this.#socket.destroyed) this.#begin(request, response);
    }
    if (count === 0) return;
    // Less than `count` when it was given up meanwhile.
    this.#all.count -= this.#waiting.splice(0, count).length;
    if (this.#waiting.length === 0) this.#readOn();
  }

  /** Node goes on reading with each answer that has gone. */
  readonly #pauseAgain = (): void => void this.#socket.pause();

  #readOn(): void {
    this.#socket.off('resume', this.#pauseAgain);
    this.#socket.resume();
  }

  #hasTimeFor(request: IncomingMessage): boolean {
    return this.#begun === 0 || this.#begun + weightOf(request) <= MAX_REQUESTS_PER_TURN;
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    if (this.#begun === 0) this.#turn.add(this);
    this.#begun += weightOf(request);
    this.#handle(request, response);
  }

  /** No more than is left for the others, so that those who send a few find room however many send thousands. */
  #mostWaiting(): number {
    return Math.min(MAX_WAITING_REQUESTS, MAX_ALL_WAITING - this.#all.count);
  }

  #giveUp(): void {
    this.#all.count -= this.#waiting.length;
    this.#waiting = [];
    this.#socket.destroy();
  }
}

function weightOf({ headers }: IncomingMessage): number {
  return 1 + (Number(headers['content-length'] ?? 0) >> BODY_SHIFT);
}

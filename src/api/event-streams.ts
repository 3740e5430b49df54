import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { FairPlaces } from '../base/fair-places.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Turn, type TurnWork } from '../base/turn.ts';
import type { DeviceEvent, EventFeed, EventInterest, FeedReader, MissedEvents } from '../devices/events.ts';
import { writeEvent } from './write-event.ts';

/** What is given to one stream in one turn of the event loop: the others, and devices, have theirs. */
const MAX_TURN_CHARACTERS = 65_536;
/** What one stream has waiting at the most: what is given at once, and what its socket takes beyond its mark. */
export const MAX_WAITING_BYTES = 2 * MAX_TURN_CHARACTERS;
/** One whose reader has taken nothing for so many keep-alives is closed. */
const MAX_STALLED_TICKS = 4;
const RETRY_MS = 1000;

type EventStreamsOptions = {
  readonly maxStreams: number;
  readonly maxStreamsPerCaller: number;
  readonly keepAliveMs: number;
};

/** How an event is told; empty where it is not. @param id - what a reader goes on from that comes back */
export type EventWriter = (event: DeviceEvent | MissedEvents, id: string) => string;

/** Why a reader that comes back cannot go on where it was. */
type ResetReason = 'hub-restarted' | 'not-kept';

/** The streams of events that are open. */
export class EventStreams {
  readonly #feed: EventFeed;
  readonly #options: EventStreamsOptions;
  readonly #clock: Clock;
  readonly #turn = new Turn();
  readonly #open = new Set<EventStream>();
  readonly #places = new FairPlaces();
  /** Of this run of the hub: numbers of events mean nothing in another. */
  readonly #run = randomBytes(6).toString('hex');
  #ticker: Timer | undefined;

  constructor(feed: EventFeed, options: EventStreamsOptions, clock: Clock) {
    this.#feed = feed;
    this.#options = options;
    this.#clock = clock;
  }

  get maxPerCaller(): number {
    return this.#options.maxStreamsPerCaller;
  }

  /** Whether a caller may have one more. */
  hasRoomFor(caller: string): boolean {
    const { maxStreams, maxStreamsPerCaller } = this.#options;
    return this.#places.heldBy(caller) < maxStreamsPerCaller && this.#places.isOpenTo(caller, maxStreams);
  }

  /**
   * Tells what a reader wants to know on a response whose head has been written, until either end closes it.
   *
   * @param lastEventId - where a reader goes on that comes back
   */
  serve(
    response: ServerResponse,
    {
      caller,
      interest,
      lastEventId,
      write = writeEvent,
    }: {
      caller: string;
      interest: EventInterest;
      lastEventId: string | undefined;
      write?: EventWriter;
    },
  ): void {
    const stream = new EventStream(response, { turn: this.#turn, run: this.#run, tell: write });
    const begin = this.#readId(lastEventId);
    const wake = (): void => stream.wake();
    const resumed = this.#feed.open(interest, { wake, ...(typeof begin === 'number' && { after: begin }) });
    const reason = typeof begin === 'string' ? begin : resumed === undefined ? 'not-kept' : undefined;
    // Without `after` it can always be opened.
    stream.begin(resumed ?? this.#feed.open(interest, { wake })!, reason);
    this.#places.take(caller);
    this.#open.add(stream);
    this.#ticker ??= this.#clock.setTicker(this.#options.keepAliveMs, () => this.#tick());
    response.once('close', () => {
      stream.close();
      this.#open.delete(stream);
      this.#places.give(caller);
      if (this.#open.size > 0) return;
      this.#ticker?.clear();
      this.#ticker = undefined;
    });
  }

  /** Ends all of them, because the hub stops. */
  close(): void {
    for (const stream of this.#open) stream.end();
  }

  /** The number in an id; why it is of no use; undefined where none was given. */
  #readId(id: string | undefined): number | ResetReason | undefined {
    if (id === undefined || id === '') return undefined;
    const [run, number = '', ...rest] = id.split('-');
    if (run !== this.#run || rest.length > 0) return 'hub-restarted';
    return /^\d{1,15}$/.test(number) ? Number(number) : 'not-kept';
  }

  #tick(): void {
    for (const stream of this.#open) stream.tick();
  }
}

/**
 * `idle`: all that there is for it has been given. `queued`: it is given more at the end of this turn. `blocked`: its
 * reader has not taken what it was given.
 */
type StreamState = 'idle' | 'queued' | 'blocked' | 'closed';

/** One reader of events at the far end of a response. What it has not taken stays in the feed. */
class EventStream implements TurnWork {
  readonly #response: ServerResponse;
  readonly #turn: Turn;
  readonly #run: string;
  readonly #tell: EventWriter;
  #reader: FeedReader | undefined;
  #state: StreamState = 'idle';
  #isQuiet = false;
  #stalledTicks = 0;

  constructor(response: ServerResponse, { turn, run, tell }: { turn: Turn; run: string; tell: EventWriter }) {
    this.#response = response;
    this.#turn = turn;
    this.#run = run;
    this.#tell = tell;
    response.on('drain', () => {
      if (this.#state === 'blocked') this.#queue();
    });
  }

  /** @param reason - why it does not go on where its reader was */
  begin(reader: FeedReader, reason: ResetReason | undefined): void {
    this.#reader = reader;
    const reset = reason === undefined ? '' : `event: reset\ndata: {"reason":"${reason}"}\n`;
    this.#response.write(`retry: ${RETRY_MS}\nid: ${this.#id(reader)}\n${reset}\n`);
    this.#queue();
  }

  /** The feed has something for it. */
  wake(): void {
    if (this.#state === 'idle') this.#queue();
  }

  endTurn(): void {
    if (this.#state !== 'queued') return;
    const reader = this.#reader!;
    let text = '';
    let item = reader.next();
    while (item !== undefined) {
      text += this.#tell(item, this.#id(reader));
      if (text.length >= MAX_TURN_CHARACTERS) break;
      item = reader.next();
    }
    this.#state = 'idle';
    if (text !== '' && !this.#write(text)) this.#state = 'blocked';
    else if (item !== undefined) this.#queue();
  }

  /** Once every keep-alive time: says that the hub is there, and how far it is. */
  tick(): void {
    if (this.#state === 'blocked') {
      if (++this.#stalledTicks >= MAX_STALLED_TICKS) this.#response.destroy();
    } else if (this.#isQuiet && this.#state !== 'closed') {
      this.#write(`: keep-alive\nid: ${this.#id(this.#reader!)}\n\n`);
    }
    this.#isQuiet = true;
  }

  /** What its reader still has to take may take long: nothing is written behind the end meanwhile. */
  end(): void {
    this.close();
    this.#response.end();
  }

  close(): void {
    this.#state = 'closed';
    this.#reader?.close();
  }

  #queue(): void {
    this.#state = 'queued';
    this.#stalledTicks = 0;
    this.#turn.add(this);
  }

  #write(text: string): boolean {
    this.#isQuiet = false;
    return this.#response.write(text);
  }

  #id({ position }: FeedReader): string {
    return `${this.#run}-${position}`;
  }
}

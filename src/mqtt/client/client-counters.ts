/** Counts since a client was made. */
export class ClientCounters {
  /** Messages that the broker took. */
  published = 0;
  /** Messages that came. */
  received = 0;
  /** Messages that were not taken because as many waited as may. */
  refusedFull = 0;
  /** Messages whose time or signal ended before the broker answered. */
  givenUp = 0;
  /** Connections after the first one. */
  reconnected = 0;
}

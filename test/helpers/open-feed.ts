import { Ledger } from '../../src/base/ledger.ts';
import { Feed } from '../../src/hub/feed.ts';

/** A feed like that of a hub. */
export function openFeed(ledger = new Ledger(), { maxKeptEvents = 1024, maxKeptBytes = 65_536 } = {}): Feed {
  return new Feed({ maxKeptEvents, maxKeptBytes }, ledger);
}

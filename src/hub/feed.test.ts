import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ledger } from '../base/ledger.ts';
import type { DeviceEventKind, EventInterest, FeedReader } from '../devices/events.ts';
import type { MetricValue } from '../devices/reading.ts';
import { Feed } from './feed.ts';

const EVERYTHING: EventInterest = { devices: undefined, kinds: undefined };
const KEPT = 1024;

function open(maxKeptBytes = 1_000_000): { feed: Feed; ledger: Ledger } {
  const ledger = new Ledger();
  return { feed: new Feed({ maxKeptEvents: KEPT, maxKeptBytes }, ledger), ledger };
}

function of(...devices: string[]): EventInterest {
  return { devices: new Set(devices), kinds: undefined };
}

function reading(feed: Feed, deviceId: string, value: MetricValue): void {
  feed.publishReading(deviceId, { metric: 't', value, unit: '°C', time: 5 });
}

function rare(feed: Feed, deviceId: string): void {
  feed.publish({ kind: 'forgotten', deviceId, time: 1 });
}

/** What there is to read now, in short. */
function drain(reader: FeedReader | undefined): string[] {
  const read: string[] = [];
  for (let item = reader?.next(); item !== undefined; item = reader?.next()) {
    if (item.kind === 'missed') read.push(`missed ${item.count}`);
    else read.push(`${item.deviceId} ${item.kind === 'reading' ? String(item.value) : item.kind}`);
  }
  return read;
}

const noWake = (): void => {};

describe('the feed', () => {
  it('gives each reader what it wants, in the order in which it happened', () => {
    const { feed } = open();
    const all = feed.open(EVERYTHING, { wake: noWake });
    const one = feed.open(of('a'), { wake: noWake });
    const kinds = new Set<DeviceEventKind>(['forgotten']);
    const some = feed.open({ devices: new Set(['a', 'b']), kinds }, { wake: noWake });
    reading(feed, 'a', 1);
    reading(feed, 'b', 'two');
    rare(feed, 'c');
    rare(feed, 'b');
    reading(feed, 'a', false);
    assert.deepEqual(drain(all), ['a 1', 'b two', 'c forgotten', 'b forgotten', 'a false']);
    assert.deepEqual(drain(one), ['a 1', 'a false']);
    assert.deepEqual(drain(some), ['b forgotten']);
    assert.deepEqual(drain(all), []);
  });

  it('tells a reading whole', () => {
    const { feed } = open();
    const reader = feed.open(EVERYTHING, { wake: noWake });
    feed.publishReading('a', { metric: 'door', value: true, unit: undefined, time: 7 });
    const event = { kind: 'reading', deviceId: 'a', metric: 'door', value: true, unit: undefined, time: 7 };
    assert.deepEqual(reader?.next(), event);
  });

  it('wakes a reader once, when it had found nothing and there is something for it', () => {
    const { feed } = open();
    let wakes = 0;
    const reader = feed.open(of('a'), { wake: () => wakes++ });
    reading(feed, 'a', 1);
    assert.equal(wakes, 0, 'it has not looked yet');
    drain(reader);
    reading(feed, 'b', 1);
    assert.equal(wakes, 0, 'nothing for it');
    reading(feed, 'a', 2);
    reading(feed, 'a', 3);
    assert.equal(wakes, 1);
    assert.deepEqual(drain(reader), ['a 2', 'a 3']);
    reader?.close();
    reading(feed, 'a', 4);
    assert.equal(wakes, 1);
    assert.deepEqual(drain(reader), []);
  });

  it('keeps nothing before there is a first reader', () => {
    const { feed } = open();
    rare(feed, 'a');
    reading(feed, 'a', 1);
    assert.equal(feed.open(of('a'), { after: 1, wake: noWake }), undefined);
    const reader = feed.open(of('a'), { after: 2, wake: noWake });
    rare(feed, 'a');
    assert.deepEqual(drain(reader), ['a forgotten']);
    reader?.close();
    reading(feed, 'a', 2);
    assert.deepEqual(drain(feed.open(of('a'), { after: 3, wake: noWake })), ['a 2']);
  });

  it('lets a reader go on over what nobody wanted, and not over what it had not wanted before', () => {
    const { feed } = open();
    const kinds = new Set<DeviceEventKind>(['reading']);
    const readings = { devices: undefined, kinds };
    feed.open(readings, { wake: noWake })?.close();
    for (let count = 0; count < 3 * KEPT; count++) rare(feed, 'a');
    reading(feed, 'a', 1);
    rare(feed, 'a');
    reading(feed, 'a', 2);
    assert.deepEqual(drain(feed.open(readings, { after: 5, wake: noWake })), ['a 1', 'a 2']);
    assert.equal(feed.open(EVERYTHING, { after: 5, wake: noWake }), undefined);
    const all = feed.open(EVERYTHING, { after: feed.last, wake: noWake });
    rare(feed, 'a');
    assert.deepEqual(drain(all), ['a forgotten']);
  });

  it('lets a reader go on after an event, and says when it cannot', () => {
    const { feed } = open();
    feed.open(of('a'), { wake: noWake })?.close();
    for (let value = 1; value <= 5; value++) reading(feed, value % 2 === 0 ? 'b' : 'a', value);
    assert.equal(feed.last, 5);
    const reader = feed.open(of('a'), { after: 2, wake: noWake });
    assert.deepEqual(drain(reader), ['a 3', 'a 5']);
    assert.equal(reader?.position, 5);
    for (let value = 6; value <= 5 + KEPT; value++) reading(feed, 'b', value);
    assert.equal(feed.open(of('a'), { after: 4, wake: noWake }), undefined);
    assert.notEqual(feed.open(of('a'), { after: 5, wake: noWake }), undefined);
    assert.equal(feed.open(of('a'), { after: feed.last + 1, wake: noWake }), undefined);
    assert.equal(reader?.position, feed.last, 'nothing came for it: it has read all');
  });

  it('tells a reader that lags exactly how many it missed, where they are missing', () => {
    const { feed } = open();
    const reader = feed.open(of('a'), { wake: noWake });
    reading(feed, 'a', 0);
    assert.deepEqual(drain(reader), ['a 0']);
    // Of 3,000, half are for it; the last 1,024 are kept.
    for (let value = 1; value <= 3000; value++) reading(feed, value % 2 === 0 ? 'b' : 'a', value);
    const read = drain(reader);
    assert.equal(read[0], `missed ${1500 - KEPT / 2}`);
    assert.equal(read.length, 1 + KEPT / 2);
    assert.equal(read[1], `a ${3000 - KEPT + 1}`);
    assert.equal(read.at(-1), 'a 2999');
    reading(feed, 'a', 'again');
    assert.deepEqual(drain(reader), ['a again']);
  });

  it('tells of what was missed also when nothing of it is left', () => {
    const { feed } = open();
    const reader = feed.open(of('a'), { wake: noWake });
    for (let value = 0; value < 300; value++) reading(feed, 'a', value);
    for (let value = 0; value < KEPT; value++) reading(feed, 'b', value);
    assert.deepEqual(drain(reader), ['missed 300']);
    const other = feed.open(of('c'), { wake: noWake });
    for (let value = 0; value < 3 * KEPT; value++) reading(feed, 'b', value);
    assert.deepEqual(drain(other), []);
  });

  it('loses nothing to a reader that leaves more than are noted to later', () => {
    const { feed } = open();
    const reader = feed.open(of('a'), { wake: noWake });
    for (let round = 0; round < 20; round++) {
      const values = Array.from({ length: 37 * (round + 1) }, (_, index) => `${round}.${index}`);
      for (const value of values) {
        reading(feed, 'a', value);
        rare(feed, 'b');
        if (value.endsWith('.5')) assert.equal(drain(reader).at(-1), `a ${round}.5`);
      }
      const rest = values.filter((_, index) => index > 5);
      const missed = Math.max(0, rest.length - KEPT / 2);
      const read = drain(reader);
      if (missed > 0) assert.equal(read.shift(), `missed ${missed}`);
      assert.deepEqual(
        read,
        rest.slice(missed).map((value) => `a ${value}`),
      );
    }
  });

  it('keeps texts within their bytes, and books all that it keeps', () => {
    const { feed, ledger } = open(5000);
    const bytes = (): number => ledger.totals().find(({ kind }) => kind === 'event')?.bytes ?? 0;
    const empty = bytes();
    assert.ok(empty >= KEPT * 64);
    feed.open(EVERYTHING, { wake: noWake })?.close();
    reading(feed, 'a', 12.5);
    assert.equal(bytes(), empty);
    for (let count = 0; count < 100; count++) reading(feed, 'a', 'x'.repeat(1000));
    assert.equal(bytes(), empty + 5000);
    const reader = feed.open(EVERYTHING, { after: feed.last - 5, wake: noWake });
    assert.equal(drain(reader).length, 5);
    feed.publish({ kind: 'event', deviceId: 'a', time: 1, name: 'n', data: 'y'.repeat(4000) });
    assert.ok(bytes() <= empty + 5000 && bytes() > empty + 4000);
  });
});

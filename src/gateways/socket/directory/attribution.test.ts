import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attribution, LEARN_PORT_MS } from './attribution.ts';

const sensor = (tcpPort: number) => ({ tcpPort, sendsDatagrams: true });

/** Sends from `port` every 800 ms, and gives whom the last one was attributed to. */
function sendFor<S>(
  group: { find(port: number, now: number): S | undefined },
  port: number,
  from: number,
  to: number,
): S | undefined {
  let last: S | undefined;
  for (let now = from; now <= to; now += 800) last = group.find(port, now);
  return last;
}

test('the port of a TCP connection is certain, whatever was seen before', () => {
  const group = new Attribution<ReturnType<typeof sensor>>();
  const [a, b] = [sensor(1001), sensor(1002)];
  group.join(a, 0);
  assert.equal(group.find(1002, 10), a, 'alone here, so it is the one');
  group.join(b, 20);
  assert.equal(group.find(1002, 30), b);
  assert.equal(group.find(1001, 30), a);
});

test('a port that was the only one for long while its device was alone stays known', () => {
  const group = new Attribution<ReturnType<typeof sensor>>();
  const [a, b] = [sensor(1), sensor(2)];
  group.join(a, 0);
  sendFor(group, 5000, 0, LEARN_PORT_MS + 1600);
  group.join(b, LEARN_PORT_MS + 2000);
  assert.equal(group.find(5000, LEARN_PORT_MS + 2100), a);
  assert.equal(group.find(6000, LEARN_PORT_MS + 2200), undefined, 'it may be anybody as yet');
  const later = 3 * LEARN_PORT_MS;
  assert.equal(sendFor(group, 6000, LEARN_PORT_MS + 2200, later + 2000), b, 'the only one without a port');
  assert.equal(group.find(5000, later + 2100), a);
});

test('after a restart of the hub, who is back first does not get the datagrams of who is not', () => {
  const group = new Attribution<ReturnType<typeof sensor>>();
  const [a, b] = [sensor(1), sensor(2)];
  group.join(b, 0);
  for (let now = 0; now < 6000; now += 800) {
    group.find(7001, now);
    group.find(7002, now);
  }
  group.join(a, 6000);
  assert.equal(group.find(7001, 6100), undefined);
  assert.equal(group.find(7002, 6200), undefined);
  for (let now = 6200; now < 60_000; now += 800) {
    assert.equal(group.find(7001, now), undefined);
    assert.equal(group.find(7002, now), undefined);
  }
});

test('a device that sends each datagram from another port is known while alone, and never mistaken', () => {
  const group = new Attribution<ReturnType<typeof sensor>>();
  const [a, b] = [sensor(1), sensor(2)];
  group.join(a, 0);
  for (let count = 0; count < 100; count++) assert.equal(group.find(20_000 + count, count * 800), a);
  group.join(b, 80_000);
  for (let count = 0; count < 100; count++)
    assert.equal(group.find(30_000 + count, 80_000 + count * 800), undefined);
});

test("ports of a device that left are nobody's until somebody comes", () => {
  const group = new Attribution<ReturnType<typeof sensor>>();
  const [a, b] = [sensor(1001), sensor(1002)];
  group.join(a, 0);
  group.join(b, 0);
  group.leave(b);
  assert.equal(group.find(1002, 10), undefined);
  assert.equal(group.find(1003, 10), a);
  group.join(sensor(1004), 20);
  assert.equal(group.size, 2);
});

test("a radio that sends nothing does not make a sensor's datagrams ambiguous", () => {
  const group = new Attribution<{ tcpPort: number; sendsDatagrams: boolean }>();
  const radio = { tcpPort: 1, sendsDatagrams: false };
  group.join(radio, 0);
  assert.equal(group.find(9, 0), radio, 'a datagram may overtake its description');
  const thermometer = sensor(2);
  group.join(thermometer, 1);
  assert.equal(group.find(9, 2), thermometer);
});

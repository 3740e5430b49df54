import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const KIB = 1024;
const MIB = KIB * KIB;

async function keptOf(hub: TestHub, kind: string, what = 'bytes'): Promise<number> {
  const { text } = await hub.call('GET', '/metrics');
  return Number(new RegExp(`recado_kept_${what}\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1]);
}

/** A hello that explains itself with many small values: the most that bytes of JSON can become as objects. */
function helloOf(id: string, values: number): string {
  const description = {
    commands: { a: { input: { examples: Array.from({ length: values }, () => ({})) } } },
  };
  return `${JSON.stringify({ recado: 2, id, description })}\n`;
}

async function arrive(t: TestContext, hub: TestHub, address: string, line: string): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort, address);
  device.send(line);
  await until('it is answered', () => device.text.includes('\n'));
  return device;
}

describe('limits of devices', () => {
  it('a description is booked as its text as long as its device is in the list', async (t) => {
    const hub = await startTestHub(t);
    const line = helloOf('lamp', 10_000);
    const device = await arrive(t, hub, '127.0.0.2', line);
    const booked = await keptOf(hub, 'description');
    assert.ok(booked > line.length * 0.9 && booked < line.length * 1.2, `${booked} for ${line.length}`);
    const shown = await hub.call('GET', '/api/v1/devices/lamp/commands');
    assert.equal(shown.body.commands[0].input.examples.length, 10_000);
    device.send('{"telemetry":{"level":1,"state":"on"}}\n');
    await until('two readings', async () => (await keptOf(hub, 'reading', 'things')) === 2);
    device.send('{"telemetry":{"state":"a longer text than before"}}\n');
    await until('still two', async () => (await keptOf(hub, 'reading')) > 570);
    device.socket.destroy();
    await until(
      'it is offline',
      async () => (await hub.call('DELETE', '/api/v1/devices/lamp')).status === 204,
    );
    assert.equal(await keptOf(hub, 'description'), 0);
    assert.equal(await keptOf(hub, 'reading'), 0);
  });

  it('another description on the same id gives the first one back', async (t) => {
    const hub = await startTestHub(t);
    const first = await arrive(t, hub, '127.0.0.2', helloOf('lamp', 10_000));
    first.socket.destroy();
    await arrive(t, hub, '127.0.0.3', helloOf('lamp', 10));
    await until('one description', async () => (await keptOf(hub, 'description', 'things')) === 1);
    assert.ok((await keptOf(hub, 'description')) < 3 * KIB);
  });

  it('descriptions have a sum: one address has half of it, and a newcomer comes in', async (t) => {
    const hub = await startTestHub(t, (config) => (config.memory.maxKeptBytes = 16 * MIB));
    let accepted = 0;
    for (let count = 0; count < 8; count++) {
      const device = await arrive(t, hub, '127.0.0.2', helloOf(`greedy-${count}`, 80_000));
      if (device.text.includes('"ok":true')) accepted++;
      else assert.match(device.text, /DESCRIPTION_INVALID.*as many descriptions/);
    }
    assert.equal(accepted, 4);
    const other = await arrive(t, hub, '127.0.0.3', helloOf('modest', 10));
    assert.match(other.text, /"ok":true/);
  });

  it('no device is closed for a description, which stays when its device has left', async (t) => {
    const hub = await startTestHub(t, (config) => (config.memory.maxKeptBytes = 16 * MIB));
    const arrived: WireDevice[] = [];
    for (let count = 0; count < 12; count++) {
      const address = `127.0.0.${2 + Math.floor(count / 4)}`;
      arrived.push(await arrive(t, hub, address, helloOf(`device-${count}`, 80_000)));
    }
    const accepted = arrived.filter(({ text }) => text.includes('"ok":true'));
    assert.equal(accepted.length < arrived.length, true, 'there is no more room');
    const online = `${hub.url}/api/v1/devices?status=online`;
    const { devices } = (await (await fetch(online)).json()) as { devices: unknown[] };
    assert.equal(devices.length, accepted.length);
    assert.match((await arrive(t, hub, '127.0.0.9', helloOf('modest', 10))).text, /"ok":true/);
  });

  it('lines that are not whole have a sum, and give it back', async (t) => {
    const hub = await startTestHub(t, (config) => (config.memory.maxKeptBytes = 4 * MIB));
    const devices: WireDevice[] = [];
    for (let count = 0; count < 8; count++) {
      const before = await keptOf(hub, 'partial');
      const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.2');
      device.send(`{"recado":2,"id":"x","filler":"${'x'.repeat(200 * KIB)}`);
      devices.push(device);
      // One at a time: while a line grows, what it had and what it gets are both booked.
      await until('it is kept or closed', async () => {
        return device.isClosed || (await keptOf(hub, 'partial')) > before + 200 * KIB;
      });
    }
    assert.deepEqual(
      devices.map(({ isClosed }) => isClosed),
      [false, false, false, true, true, true, true, true],
    );
    assert.equal(await keptOf(hub, 'partial', 'things'), 3);
    for (const { socket } of devices) socket.destroy();
    await until('nothing is kept', async () => (await keptOf(hub, 'partial')) === 0);
    assert.equal(await keptOf(hub, 'connection'), 0);
  });

  it('what a device does not read is booked, and of whoever has most waiting one is closed', async (t) => {
    const hub = await startTestHub(t, ({ memory, gateways }) => {
      memory.maxKeptBytes = 16 * MIB;
      gateways.socket.maxOutboxBytes = 16 * MIB;
    });
    const outbox = (): { bytes: number; count: number; limitBytes: number } =>
      hub.server.hub.ledger.totals()[KeptKind.OUTBOX]!;
    const pings = `${JSON.stringify({ ping: 'x'.repeat(64) })}\n`.repeat(500);
    /** Asks, and does not read. */
    const hoard = async (address: string, isEnough: () => boolean): Promise<WireDevice> => {
      const device = await arrive(t, hub, address, helloOf(address, 1));
      device.socket.pause();
      await until(`enough waits for ${address}`, () => {
        if (device.socket.writableLength === 0) device.send(pings);
        return device.socket.destroyed || isEnough();
      });
      return device;
    };
    const { limitBytes } = outbox();
    const most = await hoard('127.0.0.2', () => outbox().bytes > 0.4 * limitBytes);
    const second = await hoard('127.0.0.3', () => outbox().bytes > 0.6 * limitBytes);
    assert.equal(outbox().count, 2);
    const newcomer = await hoard('127.0.0.4', () => outbox().bytes < 0.5 * limitBytes);
    assert.equal(hub.counters['outboxFull'], 0);
    most.socket.resume();
    await until('it sees it', () => most.socket.destroyed);
    second.socket.resume();
    newcomer.socket.resume();
    await until('all has gone', () => outbox().bytes === 0);
    assert.deepEqual([second.socket.destroyed, newcomer.socket.destroyed], [false, false]);
  });
});

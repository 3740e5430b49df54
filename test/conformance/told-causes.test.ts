import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { connectBus, embedBus } from '../../src/bus/index.ts';
import { createDevice, type Device } from '../../src/device/index.ts';
import { Broker, connectMqtt, listenTcp, type BrokerHooks } from '../../src/mqtt/index.ts';
import { createRequester, createResponder } from '../../src/rpc/index.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

/*
 * Whoever calls is told only that a part failed, because strangers learn nothing of its inside. So the part itself says
 * why, with the stack and the cause, also where nobody gave it a log.
 */

function fail(): never {
  throw new Error('outer', { cause: new Error('the cause of it') });
}

/** What the process warns of while `act` runs. */
async function expectWarning(what: RegExp, act: () => Promise<unknown>): Promise<void> {
  const warned = once(process, 'warning');
  await act();
  const [{ message, detail = '' }] = (await warned) as [Error & { detail?: string }];
  assert.match(message, what);
  assert.match(detail, /outer/);
  assert.match(detail, /the cause of it/);
  assert.match(detail, /told-causes\.test\.ts:\d+/);
}

async function startFailingDevice(t: TestContext, hub: TestHub, protocol: 1 | 2): Promise<Device> {
  const device = createDevice({
    protocol,
    id: 'd1',
    hub: `127.0.0.1:${hub.tcpPort}`,
    udpPort: hub.udpPort,
    commands: { go: { run: fail }, odd: { run: () => ({ toJSON: fail }) } },
  });
  t.after(() => device.stop());
  await device.start();
  await until('its commands are known', () => hub.server.hub.devices.get(device.id ?? '')?.commandCount);
  return device;
}

for (const protocol of [1, 2] as const) {
  test(`a command that fails in a device of version ${protocol}`, async (t) => {
    const hub = await startTestHub(t);
    const device = await startFailingDevice(t, hub, protocol);
    const { commands } = hub.server.hub.devices.get(device.id ?? '')!.description;
    for (const [index, what] of [
      /handler of command go failed/,
      /output of a handler cannot be sent/,
    ].entries()) {
      await expectWarning(what, async () => {
        const { text } = await hub.call(
          'POST',
          `/api/v1/devices/${device.id}/commands/${commands[index]!.name}`,
          {},
        );
        assert.doesNotMatch(text, /outer|the cause of it/);
      });
    }
  });
}

test('a handler of a question, and one of a message', async (t) => {
  const broker = new Broker();
  await broker.start();
  const listener = await listenTcp(broker, { host: '127.0.0.1', port: 0 });
  const buses = [embedBus(broker), await connectBus(listener.url)];
  const [bus] = buses as [(typeof buses)[0]];
  const responder = createResponder(bus);
  const requester = createRequester(bus);
  t.after(async () => {
    requester.close();
    await responder.close();
    for (const each of buses) await each.close();
    await listener.close();
    await broker.close();
  });
  await responder.serve('q', fail);
  await expectWarning(/handler of a request failed/, () => requester.request('q', ''));
  for (const each of buses) {
    await each.subscribe('m', {}, fail);
    const publish = (): Promise<unknown> => bus.publish({ topicName: 'm', payload: Buffer.alloc(0), qos: 1 });
    await expectWarning(/handler of a message failed/, publish);
  }
});

const HOOKS: readonly BrokerHooks[] = [
  { name: 'mine', onConnected: fail },
  { name: 'mine', authorizePublish: fail },
  { name: 'mine', authorizeSubscribe: fail },
  { name: 'mine', authenticate: fail },
];

for (const hook of HOOKS) {
  const [, moment] = Object.keys(hook);
  test(`a hook of a broker: ${moment}`, async (t) => {
    const broker = new Broker({ hooks: [hook] });
    await broker.start();
    const listener = await listenTcp(broker, { host: '127.0.0.1', port: 0 });
    t.after(async () => {
      await listener.close();
      await broker.close();
    });
    await expectWarning(new RegExp(`hook mine failed in ${moment}`), async () => {
      const client = await connectMqtt(listener.url).catch(() => undefined);
      await client?.subscribe('m').catch(() => undefined);
      await client?.publish({ topicName: 'm', payload: Buffer.alloc(0), qos: 1 }).catch(() => undefined);
      await client?.close();
    });
  });
}

test('a client whose Will is denied is told what the rules say, and not to look at its password', async (t) => {
  const denied = { allow: false, reasonCode: 0x87, reasonString: 'see services.agents' } as const;
  const broker = new Broker({ hooks: [{ name: 'mine', authorizePublish: () => denied }] });
  await broker.start();
  const listener = await listenTcp(broker, { host: '127.0.0.1', port: 0 });
  t.after(async () => {
    await listener.close();
    await broker.close();
  });
  const will = { topicName: 'a', payload: Buffer.from('gone') };
  await assert.rejects(connectMqtt(listener.url, { will }), ({ message }: Error) => {
    assert.match(message, /the Will Message may not be published: see services\.agents/);
    assert.doesNotMatch(message, /password/);
    return true;
  });
});

import assert from 'node:assert/strict';
import { describe, type TestContext } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { LogBudget } from '../../src/base/log-budget.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { SocketCounters } from '../../src/gateways/socket/counters.ts';
import type { SessionContext } from '../../src/gateways/socket/session/device-session.ts';
import { PlainTelemetry } from '../../src/gateways/socket/session/plain-telemetry.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { readDescription } from '../../src/devices/description.ts';
import { DeviceRegistry } from '../../src/devices/device-registry.ts';
import { KeptDescription } from '../../src/devices/kept-description.ts';
import type { Broker } from '../../src/mqtt/broker/broker.ts';
import { compareGrowth, itMeasures } from '../helpers/measured-growth.ts';
import { connected, lasting, startBroker } from '../helpers/mqtt-broker-rig.ts';
import type { WireClient } from '../helpers/mqtt-wire-client.ts';
import { openFeed } from '../helpers/open-feed.ts';

/** Longer than the value of a metric. */
const LONG_TEXT = 'x'.repeat(5000);

async function start(t: TestContext, maxCachedTopics = 100): Promise<{ broker: Broker; ledger: Ledger }> {
  const ledger = new Ledger();
  const limits = {
    maxQueuedBytes: 1e9,
    maxQueuedMessages: 1e6,
    maxSubscriptionsPerClient: 1e6,
    maxInflightMessages: 30_000,
    maxCachedTopics,
  };
  return { broker: await startBroker(t, { ledger, ...limits }), ledger };
}

async function comeAndGo(broker: Broker, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const client = await connected(broker, 5, lasting(`a client with a name of some length ${index}`));
    client.transport.breakOff();
  }
}

async function fillQueue(broker: Broker, ledger: Ledger, t: TestContext, keeps: boolean): Promise<void> {
  const client = await connected(broker, 5, lasting('one'), { maxUnreadBytes: 1e9 });
  await client.subscribe('topic/of/some/length', { qos: 1 });
  if (!keeps) client.transport.breakOff();
  await client.all();
  await compareGrowth(t, ledger, async () => {
    for (let index = 0; index < 20_000; index++) {
      broker.publish({ topicName: 'topic/of/some/length', payload: `${index}`.padEnd(200, '.'), qos: 1 });
      if (keeps && index % 100 === 99) await client.bytes();
    }
    return client;
  });
}

describe('what is booked is what the process grows by', () => {
  itMeasures('lines of the ledger', async (t) => {
    const ledger = new Ledger();
    await compareGrowth(t, ledger, async () => {
      for (let index = 0; index < 10_000; index++) ledger.open(`address of some length ${index}`);
      return ledger;
    });
  });

  itMeasures('sessions', async (t) => {
    const { broker, ledger } = await start(t);
    await comeAndGo(broker, 100);
    await compareGrowth(t, ledger, () => comeAndGo(broker, 1).then(() => more(broker, 3000)));
  });

  itMeasures('subscriptions', async (t) => {
    const { broker, ledger } = await start(t);
    const clients: WireClient[] = [];
    for (let index = 0; index < 5; index++)
      clients.push(await connected(broker, 5, { clientId: `${index}` }));
    await compareGrowth(t, ledger, async () => {
      for (const [who, client] of clients.entries()) {
        for (let index = 0; index < 2000; index++)
          await client.subscribe(`house/${who}/room/${index}/temperature`);
      }
      return clients;
    });
  });

  itMeasures('retained messages', async (t) => {
    const { broker, ledger } = await start(t);
    const client = await connected(broker, 5, {});
    await compareGrowth(t, ledger, async () => {
      for (let index = 0; index < 20_000; index++) {
        client.publish(`house/room/${index}/temperature`, `${index}`.padEnd(100, '.'), { retain: true });
        if (index % 500 === 499) await client.all();
      }
    });
  });

  itMeasures('messages that wait', async (t) => {
    const { broker, ledger } = await start(t);
    await fillQueue(broker, ledger, t, false);
  });

  itMeasures('messages that are not acknowledged', async (t) => {
    const { broker, ledger } = await start(t);
    await fillQueue(broker, ledger, t, true);
  });

  itMeasures('Topic Aliases that clients are given', async (t) => {
    const { broker, ledger } = await start(t);
    const clients: WireClient[] = [];
    for (let who = 0; who < 400; who++) {
      const client = await connected(broker, 5, {
        clientId: `${who}`,
        properties: { topicAliasMaximum: 32 },
      });
      await client.subscribe(`${who}/+`);
      clients.push(client);
    }
    await compareGrowth(t, ledger, async () => {
      for (const [who, client] of clients.entries()) {
        for (let index = 0; index < 32; index++)
          broker.publish({ topicName: `${who}/${index}`.padEnd(200, '-') });
        await client.all();
      }
      return clients;
    });
  });

  itMeasures('topics, and who gets their messages', async (t) => {
    const { broker, ledger } = await start(t, 100_000);
    const client = await connected(broker, 5, {});
    await compareGrowth(t, ledger, async () => {
      for (let index = 0; index < 20_000; index++) {
        client.publish(`house/room/${index}/temperature`, '');
        if (index % 500 === 499) await client.all();
      }
    });
  });

  itMeasures('topics whose messages go by many subscriptions of one client', async (t) => {
    const { broker, ledger } = await start(t, 100_000);
    const client = await connected(broker, 5, {}, { maxUnreadBytes: 1e9 });
    const overlapping = Array.from({ length: 256 }, (_, bits) =>
      Array.from({ length: 8 }, (_unused, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/'),
    );
    for (const [index, filter] of overlapping.entries())
      await client.subscribe(`${filter}/+`, { subscriptionIdentifier: index + 1 });
    const publish = async (first: number, count: number): Promise<void> => {
      for (let index = first; index < first + count; index++) {
        client.publish(`a/a/a/a/a/a/a/a/${index}`, '');
        if (index % 10 === 9) await client.bytes();
      }
    };
    await publish(0, 50);
    await compareGrowth(t, ledger, () => publish(50, 1000));
  });

  itMeasures('descriptions and readings of devices', async (t) => {
    const { ledger, registry, link, party } = openRegistry();
    await compareGrowth(t, ledger, () => {
      for (let index = 0; index < 1000; index++) {
        const commands = Object.fromEntries(
          Array.from({ length: 10 }, (_, number) => [
            `command-${number}`,
            {
              title: `Does the thing ${number}`,
              input: { type: 'object', properties: { level: { type: 'number' } } },
            },
          ]),
        );
        const read = readDescription({ title: `Device ${index}`, commands });
        assert.ok(read.ok);
        const description = KeptDescription.keep(read.value, party);
        assert.ok(description !== undefined);
        const device = registry.connect(`device-${index}`, {
          gateway: 'test',
          description,
          link: { ...link },
        });
        for (let metric = 0; metric < 10; metric++)
          device.telemetry.observe(`metric-${metric}`, `${index}/${metric}`.padEnd(40), undefined, 1);
      }
      return Promise.resolve(registry);
    });
  });

  itMeasures('what datagrams of plain devices leave, whatever texts are in them', async (t) => {
    const { ledger, registry, link, party } = openRegistry();
    const context = {
      options: { maxNestingDepth: 9 },
      clock: systemClock,
      counters: new SocketCounters(),
      logBudget: new LogBudget(systemClock, silentLogger),
    } as SessionContext;
    const telemetries: PlainTelemetry[] = [];
    await compareGrowth(t, ledger, () => {
      for (let index = 0; index < 200; index++) {
        const description = KeptDescription.keep({ commands: [], telemetry: [] }, party)!;
        const device = registry.connect(`D${index}`, { gateway: 'test', description, link: { ...link } });
        const telemetry = new PlainTelemetry(context);
        telemetries.push(telemetry);
        const take = (text: string): void => void telemetry.take(Buffer.from(text), device);
        for (let metric = 0; metric < 20; metric++) {
          take(`{'V\u00e1lido': True, 'metric-${metric}': '${metric}°C', 'long-${metric}': '${LONG_TEXT}'}`);
          take(
            `{'V\u00e1lido': True, '${metric}${LONG_TEXT}': '${metric}°C', 'metric-${metric}': '${'x'.repeat(200)}'}`,
          );
        }
        take(`{'V\u00e1lido': False, 'Justificativa': '${LONG_TEXT}'}`);
      }
      return Promise.resolve([registry, telemetries]);
    });
  });
});

function openRegistry() {
  const ledger = new Ledger();
  const limits = {
    maxOfflineDevices: 9,
    maxOfflineDescriptionBytes: 9,
    maxQueuedInvocations: 9,
    maxQueuedPerCaller: 9,
    maxEventBytes: 1000,
    maxEventsPerSecond: 100,
    maxQueuedBytes: 65_536,
    maxQueuedBytesPerCaller: 32_768,
  };
  const registry = new DeviceRegistry({
    limits,
    feed: openFeed(ledger),
    check: () => [],
    clock: systemClock,
  });
  const link = { maxInFlight: 1, invoke: () => {}, cancel: () => {}, close: () => {} };
  const party = ledger.open('devices');
  return { ledger, registry, link, party };
}

async function more(broker: Broker, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const client = await connected(broker, 5, lasting(`another client, with a name as long ${index}`));
    client.transport.breakOff();
  }
}

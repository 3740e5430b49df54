import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Bus } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { createResponder } from '../../src/rpc/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { recordingLogger, type RecordedLine } from '../helpers/recording-logger.ts';
import { until } from '../helpers/until.ts';

const COUNT = 50;
/** Of the twenty lines of a second, those of one topic. */
const MOST = 10;

function fail(): never {
  throw new Error('this handler cannot take it');
}

type Rig = {
  readonly publish: (topicName: string) => void;
  readonly url: string;
  readonly embedded: (log: ReturnType<typeof recordingLogger>['log']) => Bus;
};

async function start(t: TestContext): Promise<Rig> {
  const { broker, url, close } = await openBrokerOnTcp();
  t.after(close);
  const publish = (topicName: string): void => {
    for (let count = 0; count < COUNT; count++)
      broker.publish({ topicName, properties: { responseTopic: `${topicName}/answers/me` } });
  };
  return { publish, url, embedded: (log) => embedBus(broker, { log }) };
}

function isFlooded(lines: readonly RecordedLine[]): number {
  return lines.filter(({ level }) => level === 'error').length;
}

describe('whoever publishes what a handler cannot take fills no log', () => {
  it('of a bus in this process', async (t) => {
    const { publish, embedded } = await start(t);
    const { log, lines } = recordingLogger();
    const bus = embedded(log);
    await bus.subscribe('t/#', {}, fail);
    publish('t/1');
    assert.equal(isFlooded(lines), MOST);
    assert.equal(log.withheld.get('failures of handlers'), COUNT - MOST);
    publish('t/2');
    assert.equal(isFlooded(lines), 2 * MOST);
    await bus.close();
    assert.match(lines.at(-1)?.text ?? '', /^failures of handlers: and \d+ more$/);
  });

  it('of a bus or a client over a connection', async (t) => {
    const { publish, url } = await start(t);
    const { log, lines } = recordingLogger();
    const bus = await connectBus(url, { log });
    t.after(() => bus.close());
    await bus.subscribe('t/1', {}, fail);
    publish('t/1');
    await until('all have come', () => bus.counters.received === COUNT);
    assert.ok(isFlooded(lines) <= 2 * MOST, `${lines.length} lines`);

    const second = recordingLogger();
    const client = await connectMqtt(url, { log: second.log, onMessage: fail });
    t.after(() => client.close());
    await client.subscribe('t/2');
    publish('t/2');
    await until('all have come', () => client.counters.received === COUNT);
    assert.ok(isFlooded(second.lines) <= 2 * MOST, `${second.lines.length} lines`);
  });

  it('of a responder, whose requesters are all told', async (t) => {
    const { publish, embedded } = await start(t);
    const { log, lines } = recordingLogger();
    const bus = embedded(log);
    const responder = createResponder(bus, { log });
    t.after(() => responder.close());
    await responder.serve('t/1', fail);
    let answers = 0;
    await bus.subscribe('t/1/answers/me', {}, () => void answers++);
    publish('t/1');
    await until('all are answered', () => answers === COUNT);
    assert.equal(responder.counters.failed, COUNT);
    assert.ok(isFlooded(lines) <= 2 * MOST, `${lines.length} lines`);
  });
});

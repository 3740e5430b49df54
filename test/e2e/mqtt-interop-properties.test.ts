import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { randomUUID } from 'node:crypto';
import { ChildProgram } from '../helpers/child-program.ts';
import { until } from '../helpers/until.ts';
import { InteropBroker } from './interop/interop-broker.ts';
import { mosquittoArguments, runToEnd, whyNoMosquittoClients } from './interop/mosquitto-driver.ts';
import { connectMqttJs } from './interop/mqtt-js-driver.ts';
import { PahoClient } from './interop/paho-driver.ts';
import { whyNoPaho } from '../helpers/paho.ts';

const noMosquitto = whyNoMosquittoClients();
const noPaho = whyNoPaho();

const newTopic = (): string => `interop/${randomUUID()}`;

/** What `properties.json()` of Paho calls the same things. */
const PAHO_PROPERTIES = {
  PayloadFormatIndicator: 1,
  MessageExpiryInterval: 600,
  ContentType: 'text/plain',
  ResponseTopic: 'répons/e',
  CorrelationData: '00ff80',
  UserProperty: [
    ['clé', 'é'],
    ['clé', ''],
  ],
};

describe('properties of MQTT 5.0 between programs that others wrote', () => {
  let rig: InteropBroker;
  before(async () => {
    rig = await new InteropBroker({ topicAliasMaximum: 10 }).start();
  });
  after(() => rig.stop());

  it('from mosquitto_pub to mosquitto_sub', { skip: noMosquitto }, async (t) => {
    const topic = newTopic();
    const clientId = randomUUID();
    const words = ['-i', clientId, '-t', topic, '-C', '1', '-F', '%C|%R|%D|%E|%F|%P|%p', '-D', 'subscribe'];
    const sub = new ChildProgram(
      ['mosquitto_sub', ...mosquittoArguments(rig.port, 5), ...words, 'subscription-identifier', '7'],
      { name: 'mosquitto_sub' },
    );
    t.after(() => sub.stop());
    await rig.untilSubscribed(clientId);
    const property = (...parts: string[]): string[] => ['-D', 'publish', ...parts];
    const properties = [
      ...property('content-type', 'text/plain'),
      ...property('response-topic', 'répons/e'),
      ...property('correlation-data', 'id 1'),
      ...property('message-expiry-interval', '600'),
      ...property('payload-format-indicator', '1'),
      ...property('user-property', 'clé', 'é'),
      ...property('user-property', 'clé', 'two'),
    ];
    await runToEnd([
      'mosquitto_pub',
      ...mosquittoArguments(rig.port, 5),
      '-t',
      topic,
      '-m',
      'x',
      ...properties,
    ]);
    const line = await sub.waitForLine(/\|/u);
    assert.equal(line, 'text/plain|répons/e|id 1|600|1|clé:é clé:two|x');
  });

  it('from Paho to MQTT.js and back', { skip: noPaho }, async (t) => {
    const topic = newTopic();
    const paho = new PahoClient();
    t.after(() => paho.breakOff());
    await paho.connect(rig.port, { version: 5, clientId: 'paho' });
    await paho.subscribe(`${topic}/back`, 1);
    const js = await connectMqttJs(rig.port, { protocolVersion: 5 });
    t.after(() => js.endAsync(true));
    js.on('message', (_, payload, { properties }) => {
      const { subscriptionIdentifier: _id, ...rest } = properties ?? {};
      js.publish(`${topic}/back`, payload, { qos: 1, properties: rest });
    });
    await js.subscribeAsync(`${topic}/there`, { qos: 1, properties: { subscriptionIdentifier: 42 } });
    await paho.publish({ topic: `${topic}/there`, qos: 1 }, ['olá'], PAHO_PROPERTIES);
    await paho.untilEvent('message');
    const message = paho.events.find(({ event }) => event === 'message');
    assert.deepEqual(message?.properties, PAHO_PROPERTIES);
  });

  it('Topic Aliases of MQTT.js, both ways', async (t) => {
    const topic = newTopic();
    const options = { protocolVersion: 5, autoAssignTopicAlias: true, autoUseTopicAlias: true } as const;
    const js = await connectMqttJs(rig.port, { ...options, properties: { topicAliasMaximum: 10 } });
    t.after(() => js.endAsync(true));
    const received: string[] = [];
    js.on('message', (name, payload) => received.push(`${name} ${payload.toString()}`));
    await js.subscribeAsync(`${topic}/#`, { qos: 1 });
    const sent = Array.from({ length: 60 }, (_, count) => [`${topic}/${count % 15}`, String(count)] as const);
    await Promise.all(sent.map(([name, text]) => js.publishAsync(name, text, { qos: 1 })));
    const expected = sent.map(([name, text]) => `${name} ${text}`);
    await until('all messages', () => received.length >= expected.length);
    assert.deepEqual(received, expected);
  });

  it('mosquitto_rr gets the answer to its request', { skip: noMosquitto }, async (t) => {
    const topic = newTopic();
    const js = await connectMqttJs(rig.port, { protocolVersion: 5 });
    t.after(() => js.endAsync(true));
    js.on('message', (_, payload, { properties }) => {
      const { responseTopic = '', correlationData } = properties ?? {};
      const echoed = correlationData === undefined ? {} : { properties: { correlationData } };
      js.publish(responseTopic, `${payload.toString()} to you`, { qos: 1, ...echoed });
    });
    await js.subscribeAsync(topic, { qos: 1 });
    const words = ['-q', '1', '-t', topic, '-e', `${topic}/answer`, '-m', 'olá', '-W', '20'];
    const output = await runToEnd(['mosquitto_rr', ...mosquittoArguments(rig.port, 5), ...words]);
    assert.equal(output, 'olá to you\n');
  });
});

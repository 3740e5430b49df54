import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { lastLevel, MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const PUMP = {
  title: 'Pump',
  model: 'P-1',
  commands: {
    run: {
      title: 'Run',
      kind: 'action',
      input: { type: 'object', properties: { seconds: { type: 'integer' } } },
    },
    status: { title: 'Status', kind: 'read' },
  },
  telemetry: { flow: { title: 'Flow', unit: 'l/min', type: 'number' } },
  events: { dry: { title: 'Ran dry', data: { type: 'object', properties: { tank: { type: 'string' } } } } },
};

const urlOf = (hub: TestHub): string => `mqtt://127.0.0.1:${hub.mqttPort}`;

async function withPump(t: TestContext, description: object = PUMP) {
  const hub = await startTestHub(t);
  const pump = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1');
  await pump.come(description);
  await untilIs(hub, 'online');
  return { hub, pump };
}

async function presenceOf(
  hub: TestHub,
  id = 'pump-1',
): Promise<{ status: string; reason: string } | undefined> {
  const { status, body } = await hub.call('GET', `/api/v1/devices/${id}`);
  return status === 200 ? (body.presence as { status: string; reason: string }) : undefined;
}

function untilIs(hub: TestHub, status: string, id = 'pump-1'): Promise<unknown> {
  return until(`${id} is ${status}`, async () => (await presenceOf(hub, id))?.status === status);
}

const countersOf = (hub: TestHub): Readonly<Record<string, number>> =>
  hub.server.hub.gateways.find(({ name }) => name === 'mqtt')!.counters;

describe('devices over MQTT', () => {
  it('are listed with what they describe, before they are there too', async (t) => {
    const hub = await startTestHub(t);
    const shell = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1');
    await shell.retain('description', JSON.stringify(PUMP));
    const device = await until('it is listed', async () => {
      const { body } = await hub.call('GET', '/api/v1/devices');
      return body.devices[0];
    });
    assert.deepEqual(
      [device.deviceId, device.gateway, device.title, device.model, device.presence.status],
      ['pump-1', 'mqtt', 'Pump', 'P-1', 'offline'],
    );
    const { status, body } = await hub.call('POST', '/api/v1/devices/pump-1/commands/run', { input: {} });
    assert.deepEqual([status, body.code], [503, 'DEVICE_OFFLINE']);
  });

  it('get commands with all that MQTT 5 can say beside them, and answer', async (t) => {
    const { hub, pump } = await withPump(t);
    const asked = hub.call('POST', '/api/v1/devices/pump-1/commands/run', {
      input: { seconds: 3 },
      timeoutMs: 9000,
    });
    const { topicName, text, packet } = await pump.next('commands/run/');
    assert.deepEqual([JSON.parse(text), packet.qos, packet.retain], [{ seconds: 3 }, 1, false]);
    const id = lastLevel(topicName);
    const { responseTopic, correlationData, messageExpiryInterval, userProperties } = packet.properties ?? {};
    assert.deepEqual(
      [responseTopic, correlationData?.toString(), messageExpiryInterval],
      [`recado/devices/pump-1/answers/${id}`, id, 9],
    );
    const { 'deadline-ms': deadline } = userProperties as Record<string, string>;
    assert.ok(Number(deadline) > 0 && Number(deadline) <= 9000, deadline);
    await pump.say(`answers/${id}`, '{"ran":3}');
    const { status, body } = await asked;
    assert.deepEqual([status, body.output], [200, { ran: 3 }]);
    assert.deepEqual(Object.keys(body.invocation.phases), ['accepted', 'sent', 'delivered', 'answered']);
  });

  it('have not got a command that their client refuses', async (t) => {
    const hub = await startTestHub(t);
    const pump = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1', {
      customHandleAcks: (_topic, _message, _packet, done) => done(0x87),
    });
    await pump.come(PUMP);
    await untilIs(hub, 'online');
    const { status, body } = await hub.call('POST', '/api/v1/devices/pump-1/commands/status');
    assert.deepEqual([status, body.code, body.device.code], [502, 'DEVICE_ERROR', 'Not authorized']);
    assert.match(body.detail, /^The MQTT client of device pump-1 refused the command: Not authorized\.$/);
    assert.deepEqual(Object.keys(body.invocation.phases), ['accepted', 'sent', 'answered']);
  });

  it('say what went wrong, with a status of their own', async (t) => {
    const { hub, pump } = await withPump(t);
    const ask = () => hub.call('POST', '/api/v1/devices/pump-1/commands/status');
    const answers = [
      { payload: '{"error":{"code":"TANK_EMPTY","message":"no water","status":409}}' },
      { payload: '{"left":0}', properties: { userProperties: { status: '507' } } },
      { payload: '{"error":{"is":"an output"}}', properties: { userProperties: { status: '200' } } },
      { payload: 'no json' },
      { payload: 'plain words', properties: { contentType: 'text/plain' } },
      { payload: '' },
    ];
    const seen: unknown[] = [];
    for (const { payload, properties } of answers) {
      const asked = ask();
      const { topicName } = await pump.next('commands/status/');
      await pump.say(`answers/${lastLevel(topicName)}`, payload, properties);
      const { status, body } = await asked;
      seen.push([status, body.code ?? body.output]);
    }
    assert.deepEqual(seen, [
      [409, 'DEVICE_ERROR'],
      [507, 'DEVICE_ERROR'],
      [200, { error: { is: 'an output' } }],
      [502, 'BAD_ANSWER'],
      [200, 'plain words'],
      [200, null],
    ]);
  });

  it('are told when the caller has left, and a late answer is kept with its invocation alone', async (t) => {
    const { hub, pump } = await withPump(t);
    await pump.client.subscribeAsync(`${pump.below}/cancel/#`);
    const { status } = await hub.call('POST', '/api/v1/devices/pump-1/commands/status', { timeoutMs: 20 });
    assert.equal(status, 504);
    const { topicName } = await pump.next('commands/status/');
    const id = lastLevel(topicName);
    assert.equal(lastLevel((await pump.next('cancel/')).topicName), id);
    await pump.say(`answers/${id}`, '"late"');
    await until('it is kept', async () => {
      const { body } = await hub.call('GET', `/api/v1/invocations/${id}`);
      return body.lateAnswer?.output === 'late';
    });
    await pump.say(`answers/${id}`, '"again"');
    await pump.say('answers/of-nobody', '1');
    await until('they are counted', () => countersOf(hub)['answersUnasked'] === 2);
  });

  it('report readings in one message or one each, and events, with their times', async (t) => {
    const { hub, pump } = await withPump(t);
    const at = '2026-01-02T03:04:05.000Z';
    const latest = async (metric: string) => {
      const { body } = await hub.call('GET', '/api/v1/devices/pump-1/telemetry');
      return (body.readings as { metric: string; value: unknown; time: string; unit?: string }[]).find(
        (item) => item.metric === metric,
      );
    };
    await pump.say('telemetry', '{"flow":1.5,"state":"ok"}');
    await pump.say('telemetry', JSON.stringify({ readings: { pressure: 2 }, at }));
    await pump.say('telemetry/a%2Fb', '7', { userProperties: { at } });
    await pump.say('telemetry/flow', '"high"');
    await pump.say('telemetry/a/b', '7');
    await pump.say('telemetry', '[1]');
    const slash = await until('all have come', () => latest('a/b'));
    assert.deepEqual([slash.value, slash.time], [7, at]);
    assert.deepEqual([(await latest('flow'))?.value, (await latest('flow'))?.unit], [1.5, 'l/min']);
    assert.deepEqual([(await latest('pressure'))?.value, (await latest('pressure'))?.time], [2, at]);
    await pump.say('events/dry', '{"tank":"north"}');
    await pump.say('events/wet', '');
    await until('both are counted', () => countersOf(hub)['eventsRefused'] === 1);
    const { eventsTaken, readingsRefused, messagesInvalid } = countersOf(hub);
    assert.deepEqual([eventsTaken, readingsRefused, messagesInvalid], [1, 1, 2]);
  });

  it('are offline when their client has gone, though the broker retains that they are there', async (t) => {
    const { hub, pump } = await withPump(t);
    pump.drop();
    await untilIs(hub, 'offline');
    assert.equal((await presenceOf(hub))?.reason, 'connection-failed');
    const again = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1');
    await again.client.subscribeAsync(`${again.below}/commands/#`);
    await untilIs(hub, 'online');
    await again.client.endAsync();
    await untilIs(hub, 'offline');
    assert.equal((await presenceOf(hub))?.reason, 'disconnected');
  });

  it('stay when the Will of an earlier connection comes after they are back', async (t) => {
    const hub = await startTestHub(t);
    const will = (epoch: string) => ({
      will: {
        topic: 'recado/devices/pump-1/presence',
        payload: Buffer.from(JSON.stringify({ state: 'offline', epoch })),
        retain: true,
      },
    });
    const first = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1', will('a'));
    await first.come(PUMP);
    await first.retain('presence', '{"state":"online","epoch":"a"}');
    const second = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1', will('b'));
    await second.come(PUMP);
    await second.retain('presence', '{"state":"online","epoch":"b"}');
    await until('it has taken over', () => countersOf(hub)['takeovers']! > 0);
    first.drop();
    await until('the Will came', () => countersOf(hub)['presencesStale'] === 1);
    assert.equal((await presenceOf(hub))?.status, 'online');
  });

  it('that fight over one id are named', async (t) => {
    const { hub, pump } = await withPump(t);
    const other = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1', { clientId: 'impostor' });
    for (const each of [other, pump, other, pump]) await each.retain('presence', 'online');
    const line = await until('it is told', () =>
      hub.logged.find(({ text }) => text.includes('two clients say that they are device pump-1')),
    );
    assert.match(line.text, /impostor at 127\.0\.0\.1/);
  });

  it('are refused with what is wrong with their description, and cost nothing when they say it again', async (t) => {
    const hub = await startTestHub(t);
    const shell = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1');
    for (let time = 0; time < 3; time++) await shell.retain('description', '{"commands":{"a b":{}}}');
    const line = await until('it is told', () => hub.logged.find(({ text }) => text.includes('was refused')));
    assert.match(line.text, /pump-1 was refused: \/commands\/a b is no command name/);
    await until('it is counted', () => countersOf(hub)['descriptionsUnchanged'] === 2);
    assert.equal(countersOf(hub)['descriptionsRefused'], 1);
    for (let time = 0; time < 3; time++) await shell.retain('description', JSON.stringify(PUMP));
    await until('it is taken once', () => countersOf(hub)['descriptionsUnchanged'] === 4);
    assert.equal(countersOf(hub)['descriptionsTaken'], 1);
  });

  it('are forgotten with their description, and what is retained of them when somebody forgets them', async (t) => {
    const { hub, pump } = await withPump(t);
    await pump.retain('description', '');
    await until('it is off the list', async () => (await presenceOf(hub)) === undefined);
    await pump.come(PUMP);
    await untilIs(hub, 'online');
    pump.drop();
    await untilIs(hub, 'offline');
    assert.equal((await hub.call('DELETE', '/api/v1/devices/pump-1')).status, 204);
    const reader = await MqttDeviceClient.connect(t, urlOf(hub), 'pump-1');
    await reader.client.subscribeAsync(['recado/devices/#', 'recado/hubs/#'], { qos: 1 });
    const status = await until('the hub is heard', () =>
      reader.heard.find(({ topicName }) => topicName.includes('/hubs/')),
    );
    assert.equal((JSON.parse(status.text) as { state: string }).state, 'online');
    assert.equal(reader.heard.length, 1);
  });

  it('fail at once where nobody has subscribed to their commands', async (t) => {
    const { hub, pump } = await withPump(t);
    await pump.client.unsubscribeAsync(`${pump.below}/commands/#`);
    const { status, body } = await hub.call('POST', '/api/v1/devices/pump-1/commands/status');
    assert.deepEqual([status, body.code, body.safeToRetry], [503, 'DEVICE_OFFLINE', true]);
  });

  it('get their deadline around the input where they ask for it', async (t) => {
    const { hub, pump } = await withPump(t, { ...PUMP, envelope: true });
    const asked = hub.call('POST', '/api/v1/devices/pump-1/commands/run', { input: { seconds: 1 } });
    const { topicName, text } = await pump.next('commands/run/');
    const { input, deadline } = JSON.parse(text) as { input: unknown; deadline: string };
    assert.deepEqual([input, Date.parse(deadline) > 0], [{ seconds: 1 }, true]);
    await pump.say(`answers/${lastLevel(topicName)}`, 'null');
    assert.equal((await asked).status, 200);
  });
});

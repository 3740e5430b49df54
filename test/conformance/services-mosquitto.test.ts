import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { openServicesRig, openTarget, readBody, type ServicesRig } from '../helpers/services-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('services over Mosquitto', { skip: whyNoMosquitto() }, () => {
  let mosquitto: Mosquitto;
  before(async () => {
    mosquitto = await new Mosquitto().start();
  });
  after(() => mosquitto.remove());

  for (const protocolVersion of [5, 4] as const) {
    describe(`MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`, () => {
      const open = async (t: TestContext): Promise<{ rig: ServicesRig; target: string }> => {
        const rig = await openServicesRig(t, { brokerUrl: mosquitto.url, protocolVersion });
        const target = await openTarget(rig, (request, response) => {
          void readBody(request).then((body) => response.end(body));
        });
        return { rig, target };
      };

      it('bodies of all sizes pass both ways, many at once', async (t) => {
        const { rig, target } = await open(t);
        await rig.startAgent(target);
        const bodies = [
          0,
          1,
          65_535,
          65_536,
          262_144,
          262_145,
          3_000_000,
          ...Array.from({ length: 30 }, (_, n) => n * 9001),
        ].map((size) => randomBytes(size));
        const answers = await Promise.all(
          bodies.map(async (body) => {
            const answer = await fetch(`${rig.serviceUrl}/`, { method: 'POST', body });
            return sha256(await answer.bytes());
          }),
        );
        assert.deepEqual(answers, bodies.map(sha256));
        assert.deepEqual(rig.failures, []);
      });

      it('a caller who leaves, an agent that is lost, and one that leaves in order are all heard of', async (t) => {
        const { rig } = await open(t);
        let held = 0;
        const target = await openTarget(rig, () => void held++);
        const one = await rig.startAgent(target);
        const leaving = new AbortController();
        const left = fetch(`${rig.serviceUrl}/`, { signal: leaving.signal }).catch(() => 'left');
        await until('it is there', () => held === 1);
        leaving.abort();
        assert.equal(await left, 'left');
        await until('the agent let it go', () => one.agent.inFlightCount === 0);
        const lost = fetch(`${rig.serviceUrl}/`, { method: 'POST' });
        await until('it is there', () => held === 2);
        await one.kill();
        assert.equal((await lost).headers.get('x-code'), 'AGENT_LOST');
        const two = await rig.startAgent(target, { id: 'two' });
        await two.stop();
        await until('the hub knows', () => rig.service?.agents.size === 0);
      });
    });
  }

  it('a whole hub with the key "mqtt.external" offers services of agents there', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.mqtt.external = mosquitto.url;
      config.mqtt.enabled = false;
    });
    const rig = await openServicesRig(t, { brokerUrl: mosquitto.url });
    await rig.startAgent(await openTarget(rig, (_request, response) => response.end('over there')), {
      id: 'far',
    });
    await until('the hub knows it', async () => {
      const { body } = await hub.call('GET', '/api/v1/services');
      return body.services[0]?.status === 'available';
    });
    assert.equal((await hub.call('GET', '/services/billing/')).text, 'over there');
  });

  it('after the broker was away the agent is there again', async (t) => {
    const other = await new Mosquitto().start();
    t.after(() => other.remove());
    const rig = await openServicesRig(t, { brokerUrl: other.url });
    const target = await openTarget(rig, (_request, response) => response.end('hello'));
    const quick = { reconnectMinMs: 10, reconnectMaxMs: 50 };
    const { agentWill, HttpServiceAgent } = await import('../../src/services/agent/http-service-agent.ts');
    const { AllowList } = await import('../../src/services/agent/allow-list.ts');
    const { Upstream } = await import('../../src/services/agent/upstream.ts');
    const { silentLogger } = await import('../../src/base/logger.ts');
    const bus = await connectBus(other.url, { ...quick, clientId: 'x', will: agentWill('billing', 'x') });
    const upstream = new Upstream(target);
    const options = {
      service: 'billing',
      agentId: 'x',
      bus,
      upstream,
      allow: new AllowList([]),
      log: silentLogger,
    };
    const agent = new HttpServiceAgent(options);
    await agent.start();
    rig.onClose(async () => {
      await agent.stop();
      await bus.close();
      await upstream.close();
    });
    const works = async (): Promise<boolean> => {
      const answer = await fetch(`${rig.serviceUrl}/`);
      return (await answer.text()) === 'hello';
    };
    await until('it works', works);
    await other.kill();
    await until('the hub knows', () => !rig.hubBus.isConnected);
    const away = await fetch(`${rig.serviceUrl}/`);
    assert.deepEqual([away.headers.get('x-code'), away.headers.get('retry-after')], ['BROKER_OFFLINE', '5']);
    await other.start();
    await until('it works again', works);
  });
});

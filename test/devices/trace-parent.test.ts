import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('the trace of a caller comes to the device, and what is none does not', async (t) => {
  const hub = await startTestHub(t);
  for (const [id, url] of [
    ['framed', `tcp://127.0.0.1:${hub.tcpPort}`],
    ['over-mqtt', `mqtt://127.0.0.1:${hub.mqttPort}`],
  ] as const) {
    const commands = { trace: { run: ({ traceparent = 'none' }) => traceparent } };
    const device = createDevice({ id, hub: url, commands });
    t.after(() => device.stop());
    assert.equal((await device.start()).status, 'online');
    const ask = async (traceparent: string, more: Record<string, string> = {}): Promise<unknown> => {
      const path = `/api/v1/devices/${id}/commands/trace`;
      return (await hub.call('POST', path, undefined, { traceparent, ...more })).body.output;
    };
    assert.equal(await ask(TRACE), TRACE, id);
    assert.equal(await ask(TRACE, { prefer: 'wait=10' }), TRACE, id);
    const nones = [TRACE.replace(/-01$/, ''), TRACE.replace('00-4', 'ff-4'), `${TRACE}-${'x'.repeat(300)}`];
    for (const none of nones) assert.equal(await ask(none), 'none', none);
  }
});

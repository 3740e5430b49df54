import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { BrokerPresence } from '../../src/bridge/broker-presence.ts';

it('a broker is waited for no longer than the grace, nor than who waits has time', async (t) => {
  const bus = await connectBus('mqtt://127.0.0.1:9', { waitsForConnection: false });
  t.after(() => bus.close());
  const clock = new ManualClock();
  const presence = new BrokerPresence({ bus, clock, graceMs: 1000 });
  const ended: string[] = [];
  const wait = (name: string, patienceMs: number): Promise<unknown> =>
    presence.untilGraceIsOver(patienceMs).then((isThere) => ended.push(`${name} ${isThere}`));
  const [short, long] = [wait('short', 100), wait('long', 5000)];
  clock.advance(100);
  await short;
  assert.deepEqual(ended, ['short false']);
  clock.advance(900);
  await long;
  assert.deepEqual(ended, ['short false', 'long false']);
  presence.close();
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { startRig } from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd } from '../../helpers/mqtt-wire-client.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { LogBudget, NOBODY, shown } from '../../../src/base/log-budget.ts';

const LONG_ID = 'x'.repeat(5000);

describe('LogBudget', () => {
  it('writes twenty lines of a kind in a second, then how many more there were', () => {
    const clock = new ManualClock();
    const { log, lines } = recordingLogger();
    const budget = new LogBudget(clock, log);
    for (let count = 0; count < 25; count++)
      budget.write('clients refused', { count }, `refused ${count}`, NOBODY);
    budget.write('failures of hooks', {}, 'another kind', NOBODY);
    assert.equal(lines.length, 21);
    assert.deepEqual(lines.at(-1), { level: 'error', fields: {}, text: 'another kind' });
    clock.advance(999);
    assert.equal(lines.length, 21);
    clock.advance(1);
    const fields = { kind: 'clients refused', withheld: 5 };
    assert.deepEqual(lines.slice(21), [{ level: 'info', fields, text: 'clients refused: and 5 more' }]);
    for (let count = 0; count < 25; count++) budget.write('clients refused', {}, 'again', NOBODY);
    assert.equal(lines.length, 22 + 20);
  });

  it('says so before the first line of the next second, and at the end', () => {
    const clock = new ManualClock();
    const { log, lines } = recordingLogger();
    const budget = new LogBudget(clock, log);
    for (let count = 0; count < 22; count++) budget.write('failures of the store', {}, 'one', NOBODY);
    clock.advance(5000);
    for (let count = 0; count < 21; count++) budget.write('failures of the store', {}, 'two', NOBODY);
    assert.deepEqual(
      lines.slice(20, 22).map(({ text }) => text),
      ['failures of the store: and 2 more', 'two'],
    );
    budget.close();
    assert.equal(lines.at(-1)?.text, 'failures of the store: and 1 more');
    assert.equal(lines.length, 42);
  });

  it('shows 100 characters of what a client chose', () => {
    assert.equal(shown('a'.repeat(100)), 'a'.repeat(100));
    assert.equal(shown(LONG_ID), `${'x'.repeat(100)}…`);
  });
});

describe('the log of a broker', () => {
  it('is not flooded by clients that are refused, nor by their ids', async (t) => {
    const authenticate = () => ({ allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED }) as const;
    const { broker, open, clock, lines } = await startRig(t, { hooks: [{ name: 'no', authenticate }] });
    for (let count = 0; count < 50; count++) await open().connect({ clientId: LONG_ID });
    assert.equal(broker.stats.connectsRefused, 50);
    assert.equal(lines.length, 10, 'one address has half of the lines');
    await open(5, { address: '10.0.0.2' }).connect({ clientId: LONG_ID });
    assert.equal(lines.at(-1)?.fields['address'], '10.0.0.2');
    assert.ok(lines.every(({ fields }) => fields['clientId'] === shown(LONG_ID)));
    clock.advance(1000);
    assert.deepEqual(
      lines.slice(11).map(({ level, text }) => [level, text]),
      [['info', 'clients refused: and 40 more']],
    );
  });

  it('gives one IPv6 network half of the lines, however many addresses it has', async (t) => {
    const authenticate = () => ({ allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED }) as const;
    const { open, lines } = await startRig(t, { hooks: [{ name: 'no', authenticate }] });
    for (let host = 1; host <= 30; host++) await open(5, { address: `2001:db8::${host}` }).connect();
    assert.equal(lines.length, 10);
    await open(5, { address: '2001:db8:0:1::1' }).connect();
    assert.equal(lines.at(-1)?.fields['address'], '2001:db8:0:1::1');
  });

  it('shows no more of a reason than of an id', async (t) => {
    const { open, lines } = await startRig(t);
    await open().connect({ properties: { authenticationMethod: LONG_ID } });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]!.text.length < 300, `${lines[0]!.text.length} characters`);
  });

  it('is not flooded by takeovers, however many ids and users there are', async (t) => {
    const { broker, open, lines } = await startRig(t, { clientIdTakeover: 'allow' });
    for (let count = 0; count < 30; count++) {
      const clientId = `${count}${LONG_ID}`;
      await open().connect({ clientId, userName: LONG_ID });
      await open().connect({ clientId, userName: 'b' });
    }
    assert.equal(broker.stats.connectionsTakenOver, 30);
    const warnings = lines.filter(({ level }) => level === 'warn');
    assert.equal(warnings.length, 10);
    assert.ok(lines.every(({ text }) => text.length < 400));
    const said = lines.flatMap(({ fields }) => Object.values(fields).map(String));
    assert.ok(said.every((text) => text.length <= 101));
    await broker.close();
    assert.equal(lines.at(-1)?.text, 'takeovers of client ids: and 20 more');
  });

  it('is not flooded by a hook that fails at each message', async (t) => {
    const onPublished = () => {
      throw new Error('a fault of the hook');
    };
    const { broker, lines } = await startRig(t, { hooks: [{ name: 'bad', onPublished }] });
    for (let count = 0; count < 100; count++) broker.publish({ topicName: 't' });
    assert.equal(broker.stats.hookFailures, 100);
    assert.equal(lines.length, 20);
    await turnEnd();
  });
});

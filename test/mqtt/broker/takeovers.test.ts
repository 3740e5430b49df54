import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { startRig } from '../../helpers/mqtt-broker-rig.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { turnEnd } from '../../helpers/mqtt-wire-client.ts';
import type { ClientInfo } from '../../../src/mqtt/broker/hooks.ts';
import { LogBudget } from '../../../src/base/log-budget.ts';
import { TakeoverWatch } from '../../../src/mqtt/broker/takeovers.ts';

function clientOf(
  clientId: string,
  { userName, address = '10.0.0.1' }: { userName?: string; address?: string } = {},
): ClientInfo {
  const peer = { transport: 'tcp', address, port: 1, certificate: undefined } as const;
  return { clientId, userName, protocolVersion: 5, peer, listener: 'default' };
}

function watchOf(log: Logger, clock = new ManualClock()): TakeoverWatch {
  return new TakeoverWatch(clock, new LogBudget(clock, log));
}

describe('TakeoverWatch', () => {
  it('tells of two programs that push each other out, once, and where they are', () => {
    const { log, lines } = recordingLogger();
    const watch = watchOf(log);
    const one = clientOf('sensor', { address: '10.0.0.1' });
    const other = clientOf('sensor', { address: '10.0.0.2' });
    watch.note(one, other);
    watch.note(other, one);
    assert.equal(lines.length, 0);
    for (let count = 0; count < 10; count++) watch.note(one, other);
    assert.equal(lines.length, 1);
    const told = lines.map(({ level, text }) => `${level}: ${text}`).join('; ');
    assert.match(told, /^warn: .* sensor .*10\.0\.0\.1 and 10\.0\.0\.2/u);
  });

  it('tells again of those that still do it a minute later', () => {
    const { log, lines } = recordingLogger();
    const clock = new ManualClock();
    const watch = watchOf(log, clock);
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < 5; count++) watch.note(clientOf('a'), clientOf('a'));
      clock.advance(60_001);
    }
    assert.equal(lines.length, 2);
  });

  it('says nothing of a client that comes back now and then', () => {
    const { log, lines } = recordingLogger();
    const clock = new ManualClock();
    const watch = watchOf(log, clock);
    for (let count = 0; count < 20; count++) {
      watch.note(clientOf('a'), clientOf('a'));
      clock.advance(30_001);
    }
    assert.deepEqual(lines, []);
  });

  it('tells each time that a user takes the id of another', () => {
    const { log, lines } = recordingLogger();
    const watch = watchOf(log);
    watch.note(clientOf('a', { userName: 'ana' }), clientOf('a', { userName: 'bob' }));
    watch.note(clientOf('a', { userName: 'bob' }), clientOf('a'));
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['client id a of user ana was taken by user bob', 'client id a of user bob was taken by user (none)'],
    );
  });

  it('remembers the last 1000 ids', () => {
    const { log, lines } = recordingLogger();
    const watch = watchOf(log);
    for (let count = 0; count < 2; count++) watch.note(clientOf('first'), clientOf('first'));
    for (let index = 0; index < 1000; index++) watch.note(clientOf(`${index}`), clientOf(`${index}`));
    for (let count = 0; count < 2; count++) watch.note(clientOf('first'), clientOf('first'));
    assert.deepEqual(lines, []);
    watch.note(clientOf('first'), clientOf('first'));
    assert.equal(lines.length, 1);
  });

  it('is asked by the broker, which counts [MQTT-3.1.4-3]', async (t) => {
    const { broker, lines, connected } = await startRig(t);
    for (let count = 0; count < 4; count++) await connected({ clientId: 'one' });
    await turnEnd();
    assert.equal(broker.stats.connectionsTakenOver, 3);
    assert.equal(broker.counts.sessions, 1);
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageQueue } from './message-queue.ts';
import { Session } from './session.ts';

const READY = { takesMore: true };

describe('a session', () => {
  it('has the connection of its client until that goes', () => {
    const session = new Session('one');
    session.connect(READY);
    assert.equal(session.connection, READY);
    assert.throws(() => session.connect(READY), /was connected/);
    session.disconnect();
    assert.equal(session.connection, undefined);
    session.connect(READY);
  });

  it('ends once, and nobody comes back to it', () => {
    const session = new Session('one');
    session.connect(READY);
    assert.deepEqual([session.end(), session.end(), session.hasEnded], [true, false, true]);
    session.disconnect();
    assert.throws(() => session.connect(READY), /was connected/);
    assert.equal(session.hasEnded, true);
  });

  it('is idle while its client takes more and nothing waits', () => {
    const session = new Session('one');
    assert.equal(session.isIdle, false);
    session.connect(READY);
    assert.deepEqual([session.isIdle, session.canSend(0), session.canSend(1)], [true, true, false]);
    session.quota.begin({ sendMaximum: 1, receiveMaximum: 1 }, undefined);
    assert.equal(session.canSend(1), true);
    session.queue = new MessageQueue({ bytes: 0 });
    assert.equal(session.isIdle, true);
    session.disconnect();
    session.connect({ takesMore: false });
    assert.equal(session.isIdle, false);
  });
});

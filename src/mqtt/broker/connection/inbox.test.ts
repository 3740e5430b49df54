import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlockPool } from '../../../base/blocks.ts';
import type { Transport } from '../../transport/transport.ts';
import { Inbox, InboxState } from './inbox.ts';

const PEER = { transport: 'stream', address: '', port: 0, certificate: undefined } as const;
const PINGREQ = Buffer.from([0xc0, 0]);
const pings = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => PINGREQ));

const push = (inbox: Inbox, bytes: Buffer): void => inbox.push(bytes, bytes.length);

function makeInbox(workLimit = 100) {
  const told: string[] = [];
  const later: Inbox[] = [];
  const faults: unknown[] = [];
  const transport: Transport = {
    peer: PEER,
    bufferedBytes: 0,
    unsentMark: 0,
    write: () => 0,
    writeSlices: () => 0,
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    end() {},
    destroy() {},
  };
  const owner = {
    packets: 0,
    isOverfull: false,
    onNext: (): void => {},
    onPacket(): void {
      owner.packets++;
      owner.onNext();
    },
    onFault: (error: unknown): void => void faults.push(error),
    onHeld: (): void => {},
  };
  const readLater = (inbox: Inbox): void => void later.push(inbox);
  const turns = { work: 0, workLimit, readLater, blocks: new BlockPool() };
  const inbox = new Inbox(owner, transport, turns, 1000);
  return { inbox, owner, turns, told, later, faults };
}

describe('an inbox', () => {
  it('hands on every packet that is whole', () => {
    const { inbox, owner } = makeInbox();
    push(inbox, Buffer.concat([pings(3), PINGREQ.subarray(0, 1)]));
    assert.equal(owner.packets, 3);
    push(inbox, PINGREQ.subarray(1));
    assert.equal(owner.packets, 4);
  });

  it('stops while something is decided, and goes on where it was', () => {
    const { inbox, owner, told } = makeInbox();
    owner.onNext = () => inbox.decide();
    push(inbox, pings(2));
    push(inbox, pings(1));
    assert.deepEqual([owner.packets, told, inbox.state], [1, ['pause'], InboxState.DECIDING]);
    owner.onNext = () => {};
    assert.equal(inbox.decided(), true);
    assert.deepEqual([owner.packets, told], [3, ['pause', 'resume']]);
    assert.equal(inbox.decided(), false);
  });

  it('leaves to the next turn what this one has no time for', () => {
    const { inbox, owner, turns, later, told } = makeInbox(2);
    push(inbox, pings(3));
    assert.deepEqual([owner.packets, told, later], [2, ['pause'], [inbox]]);
    turns.work = 0;
    inbox.takeTurn();
    assert.deepEqual([owner.packets, told], [3, ['pause', 'resume']]);
  });

  it('does not read who does not take what it is told, until there is room', () => {
    const { inbox, owner, later } = makeInbox();
    owner.onNext = () => void inbox.fill();
    push(inbox, pings(2));
    assert.deepEqual([owner.packets, inbox.state], [1, InboxState.FULL]);
    assert.equal(inbox.fill(), false);
    inbox.takeTurn();
    assert.equal(owner.packets, 1);
    owner.onNext = () => {};
    inbox.roomLeft();
    assert.deepEqual(later, [inbox]);
    inbox.takeTurn();
    assert.deepEqual([owner.packets, inbox.state], [2, InboxState.READING]);
  });

  it('waits for a decision also where the packet that asks for it has filled the outbox', () => {
    const { inbox, owner, later } = makeInbox();
    owner.onNext = () => {
      inbox.fill();
      inbox.decide();
    };
    push(inbox, pings(2));
    inbox.roomLeft();
    assert.deepEqual([later, inbox.state], [[], InboxState.DECIDING]);
    owner.isOverfull = true;
    inbox.decided();
    assert.deepEqual([owner.packets, inbox.state], [1, InboxState.FULL]);
  });

  it('hands nothing on once it is closed, from within a packet too', () => {
    const { inbox, owner } = makeInbox();
    owner.onNext = () => inbox.close();
    push(inbox, pings(2));
    inbox.decide();
    inbox.takeTurn();
    inbox.roomLeft();
    assert.deepEqual([owner.packets, inbox.state], [1, InboxState.CLOSED]);
  });

  it('tells of a stream that cannot be cut', () => {
    const { inbox, faults } = makeInbox();
    push(inbox, Buffer.from([0xc0, 0xff, 0xff, 0xff, 0xff]));
    assert.equal(faults.length, 1);
  });
});

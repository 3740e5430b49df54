import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { Ledger } from '../../../base/ledger.ts';
import { LogBudget } from '../../../base/log-budget.ts';
import { silentLogger } from '../../../base/logger.ts';
import { Turn } from '../../../base/turn.ts';
import { TRUSTED_NETWORK } from '../../../accounts/principal.ts';
import { SocketCounters } from '../counters.ts';
import { DeviceDirectory } from '../directory/device-directory.ts';
import { PlainMessageReader } from '../wire/plain-messages.ts';
import type { SessionContext, SocketPeer } from './device-session.ts';
import { FramedSession } from './framed-session.ts';
import { PlainSession } from './plain-session.ts';
import { UnreadBytes } from './unread-bytes.ts';

function startContext(t: TestContext): { context: SessionContext; told: string[] } {
  const told: string[] = [];
  const log = {
    ...silentLogger,
    warn: (fields: object) => void told.push((fields as { address: string }).address),
  };
  const logBudget = new LogBudget({ ...systemClock, monotonic: () => 0 }, log);
  t.after(() => logBudget.close());
  const options = { maxLineBytes: 999, maxMessageBytes: 999, maxNestingDepth: 9, maxOutboxBytes: 9999 };
  const context = {
    options,
    logBudget,
    ledger: new Ledger(),
    counters: new SocketCounters(),
    clock: systemClock,
    directory: new DeviceDirectory(),
  } as unknown as SessionContext;
  return { context, told };
}

function peerAt({ ledger }: SessionContext, address: string): SocketPeer {
  const socket = { destroy: () => {} } as Partial<Socket> as Socket;
  const say = { cork: () => {}, uncork: () => {}, write: () => true, end: () => {}, once: () => {} };
  Object.assign(socket, say, { writableLength: 0 });
  const party = ledger.open(address);
  const unread = new UnreadBytes(socket, { party, turn: new Turn(), onFull: () => {} });
  return { socket, address, port: 1, isPlain: true, principal: TRUSTED_NETWORK, party, unread };
}

function speakFramed(context: SessionContext, address: string): void {
  new FramedSession(peerAt(context, address), context).onBytes(Buffer.from('{"recado":9}\n'));
}

function speakPlain(context: SessionContext, address: string): void {
  const peer = peerAt(context, address);
  const reader = new PlainMessageReader({ maxBytes: 999, maxDepth: 9 }, peer.party);
  const session = new PlainSession('d', peer, context, { reader, openedAt: 0 });
  session.onBytes(Buffer.from('Recebido'));
}

for (const [kind, speak] of [
  ['framed', speakFramed],
  ['plain', speakPlain],
] as const) {
  test(`${kind} devices of one IPv6 network have half of the lines about faults`, (t) => {
    const { context, told } = startContext(t);
    for (let host = 1; host <= 50; host++) speak(context, `2001:db8::${host}`);
    assert.equal(told.length, 20);
    speak(context, '2001:db8:0:1::1');
    assert.equal(told.at(-1), '2001:db8:0:1::1');
  });
}

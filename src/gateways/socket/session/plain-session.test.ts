import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Accounts } from '../../../accounts/accounts.ts';
import { TRUSTED_NETWORK } from '../../../accounts/principal.ts';
import { Alarms } from '../../../base/alarms.ts';
import { systemClock } from '../../../base/clock.ts';
import { LogBudget } from '../../../base/log-budget.ts';
import { silentLogger } from '../../../base/logger.ts';
import { Ledger } from '../../../base/ledger.ts';
import { PlainSecrets } from '../../../base/plain-secrets.ts';
import { TellOnce } from '../../../base/tell-once.ts';
import { Turn } from '../../../base/turn.ts';
import { DeviceRegistry } from '../../../devices/device-registry.ts';
import { Invocation } from '../../../devices/invocation.ts';
import { SocketCounters } from '../counters.ts';
import { DeviceDirectory } from '../directory/device-directory.ts';
import type { SocketGatewayOptions } from '../options.ts';
import { PlainMessageReader } from '../wire/plain-messages.ts';
import { PlainSession } from './plain-session.ts';
import { UnreadBytes } from './unread-bytes.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('what comes before the question has left is no answer to it', async () => {
  const written: string[] = [];
  const parts = { write: (text: string) => written.push(text), destroy: () => {}, writableLength: 0 };
  const socket = parts as unknown as Socket;
  const limits = {
    maxQueuedInvocations: 9,
    maxQueuedPerCaller: 9,
    maxQueuedBytes: 65_536,
    maxQueuedBytesPerCaller: 32_768,
    maxOfflineDevices: 9,
    maxOfflineDescriptionBytes: 9999,
    maxEventBytes: 1000,
    maxEventsPerSecond: 100,
  };
  const feed = { last: 0, publish: () => {}, publishReading: () => {}, open: () => undefined };
  const registry = new DeviceRegistry({ limits, feed, check: () => [], clock: systemClock });
  const ledger = new Ledger();
  const context = {
    ledger,
    options: {
      maxMessageBytes: 9999,
      maxNestingDepth: 9,
      maxCommandBytes: 2048,
      datagramWaitMs: 99,
      keepAliveMs: 99,
    } as SocketGatewayOptions,
    registry,
    accounts: new Accounts({ log: silentLogger }),
    directory: new DeviceDirectory(),
    counters: new SocketCounters(),
    clock: systemClock,
    turn: new Turn(),
    log: silentLogger,
    logBudget: new LogBudget(systemClock, silentLogger),
    tellOnce: new TellOnce(silentLogger, 9),
    secrets: new PlainSecrets(silentLogger, { listener: 'a test', remedy: '' }),
  };
  const party = ledger.open('127.0.0.1');
  const unread = new UnreadBytes(socket, { party, turn: context.turn, onFull: () => {} });
  const session = new PlainSession(
    'DE1',
    { socket, address: '127.0.0.1', port: 1, isPlain: true, principal: TRUSTED_NETWORK, party, unread },
    context,
    {
      reader: new PlainMessageReader({ maxBytes: 9999, maxDepth: 9 }, party),
      openedAt: systemClock.monotonic(),
    },
  );
  session.onBytes(Buffer.from("{'1': {'Descrição': 'Ligar'}}"));
  const device = registry.get('DE1');
  const command = device?.command('ligar');
  assert.ok(device !== undefined && command !== undefined);
  const alarms = new Alarms(systemClock);
  const ask = (): Invocation => {
    const options = {
      id: 'i',
      deviceId: 'DE1',
      command,
      inputText: undefined,
      timeoutMs: 1000,
      caller: '',
      alarms,
    };
    const invocation = new Invocation(options);
    device.lane.enter(invocation);
    return invocation;
  };
  const first = ask();
  const second = ask();
  session.onBytes(Buffer.from("{'Resposta': 'stray'}Recebido"));
  assert.deepEqual([written, first.state, context.counters.messagesUnasked], [[], 'running', 2]);
  await nextTurn();
  assert.deepEqual(written, ['{"Comando":"1"}']);
  session.onBytes(Buffer.from("{'Resposta': 'right'}"));
  assert.equal(first.output, 'right');
  await nextTurn();
  assert.equal(written.length, 2);
  session.onBytes(Buffer.from("{'Resposta': 'second'}"));
  assert.equal(second.output, 'second');

  session.tick(systemClock.monotonic() + 1000);
  session.onBytes(Buffer.from('Recebido'));
  await nextTurn();
  assert.equal(written.at(-1), '{"Comando":"0"}');
  assert.equal(context.counters.messagesUnasked, 3, 'a keep-alive is not answered before it is asked');
  session.end('hub-stopping');
});

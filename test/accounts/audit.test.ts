import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Audit, type AuditEntry } from '../../src/accounts/audit.ts';
import { MemoryAuditStore } from '../../src/accounts/memory-audit-store.ts';
import { OWNER, STRANGER } from '../../src/accounts/principal.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';

const ENTRY = { address: '192.0.2.1', action: 'signIn', target: '', status: 401 };

function open(store = new MemoryAuditStore()) {
  const clock = new ManualClock();
  const { log, lines } = recordingLogger();
  const audit = new Audit({ store, clock, log });
  const actions = async (): Promise<string[]> =>
    (await audit.read({ limit: 20_000 })).map(({ action, target }) => `${action} ${target}`.trim());
  return { audit, clock, lines, actions };
}

describe('the audit', () => {
  it('is written a while after the first of several entries, in one go', async () => {
    const written: number[] = [];
    const store = new MemoryAuditStore();
    const append = store.append.bind(store);
    store.append = (entries: readonly AuditEntry[], retention) => {
      written.push(entries.length);
      return append(entries, retention);
    };
    const { audit, clock } = open(store);
    for (let count = 0; count < 3; count++) audit.note(OWNER, ENTRY);
    assert.deepEqual(written, []);
    clock.advance(200);
    await audit.close();
    assert.deepEqual(written, [3]);
    assert.equal(clock.pending, 0);
  });

  it('has so many entries of strangers in a second, and tells how many it left out', async () => {
    const { audit, clock, actions } = open();
    for (let count = 0; count < 1000; count++) audit.note(STRANGER, ENTRY);
    audit.note(OWNER, { ...ENTRY, action: 'createUser' });
    assert.deepEqual(await actions(), [
      'lostEntries 990',
      'createUser',
      ...Array.from({ length: 10 }, () => 'signIn'),
    ]);
    clock.advance(1000);
    audit.note(STRANGER, ENTRY);
    assert.equal((await actions())[0], 'signIn');
  });

  it('keeps no more than it may until it is written', async () => {
    const { audit, actions } = open();
    const others = [1, 2, 3].map((count) => ({ ...OWNER, id: `token:${count}` }));
    for (let count = 0; count < 3500; count++) for (const each of others) audit.note(each, ENTRY);
    assert.equal((await actions())[0], 'lostEntries 500');
    assert.deepEqual(audit.counters, { entries: 10_001, lost: 500 });
  });

  it('has entries of others while one principal does more than can be written', async () => {
    const { audit, actions } = open();
    for (let count = 0; count < 20_000; count++) audit.note({ ...OWNER, id: 'token:x' }, ENTRY);
    audit.note(OWNER, { ...ENTRY, action: 'removeUser' });
    assert.deepEqual((await actions()).slice(0, 3), ['lostEntries 15000', 'removeUser', 'signIn']);
  });

  it('tells later what a disk did not take', async () => {
    const store = new MemoryAuditStore();
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('disk full'));
    const { audit, lines, actions } = open(store);
    audit.note(OWNER, ENTRY);
    await audit.close();
    assert.match(lines[0]?.text ?? '', /could not be kept/);
    audit.note(OWNER, ENTRY);
    await audit.close();
    store.append = append;
    audit.note(OWNER, { ...ENTRY, action: 'createUser' });
    assert.deepEqual(await actions(), ['lostEntries 2', 'createUser']);
    assert.deepEqual(audit.counters, { entries: 2, lost: 2 });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Inflight, InflightState } from './inflight.ts';
import { PacketIdSet } from './packet-id-set.ts';
import { Quota } from './quota.ts';

function packetIds(...ids: readonly number[]): PacketIdSet {
  const set = new PacketIdSet();
  for (const id of ids) set.add(id);
  return set;
}

describe('a quota', () => {
  it('of a session that never was connected lets nothing be sent', () => {
    assert.equal(new Quota().maySend(undefined), false);
  });

  it('lets as many be on their way as the client takes', () => {
    const quota = new Quota();
    quota.begin({ sendMaximum: 2, receiveMaximum: 1 }, undefined);
    const inflight = new Inflight();
    inflight.add(InflightState.PUBACK, undefined);
    assert.equal(quota.maySend(inflight), true);
    const packetId = inflight.add(InflightState.PUBREC, undefined);
    assert.equal(quota.maySend(inflight), false);
    inflight.remove(packetId);
    assert.equal(quota.maySend(inflight), true);
  });

  it('counts what is sent again apart, and anew for each connection', () => {
    const quota = new Quota();
    const limits = { sendMaximum: 1, receiveMaximum: 1 };
    quota.begin(limits, undefined);
    quota.countResent();
    assert.equal(quota.mayResend(), false);
    quota.uncountResent();
    assert.equal(quota.mayResend(), true);
    quota.countResent();
    quota.begin(limits, undefined);
    assert.equal(quota.mayResend(), true);
  });

  it('lets the client send what it was told, besides what an earlier connection left (section 4.9)', () => {
    const quota = new Quota();
    const received = packetIds(1, 2);
    quota.begin({ sendMaximum: 1, receiveMaximum: 1 }, received);
    assert.equal(quota.mayReceive(received, 2, 3), true);
    received.add(3);
    assert.equal(quota.mayReceive(received, 2, 4), false);
    assert.equal(quota.mayReceive(received, 1, 4), false);
    // The same one again is no more than there was.
    assert.equal(quota.mayReceive(received, 2, 3), true);
    assert.equal(quota.mayReceive(received, 1, 3), false);
  });
});

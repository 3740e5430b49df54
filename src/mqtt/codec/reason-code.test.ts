import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PACKET_NAMES, PacketType } from './control-packet.ts';
import { isReasonCodeOf, REASON_CODES, ReasonCode, reasonCodeName } from './reason-code.ts';

describe('the table of Reason Codes', () => {
  it('has a row for each constant, and the other way round', () => {
    const constants = new Map(Object.entries(ReasonCode));
    assert.equal(REASON_CODES.length, constants.size);
    for (const { code, name } of REASON_CODES) {
      const constant = name.toUpperCase().replaceAll(/[ -]/g, '_');
      assert.equal(constants.get(constant), code, name);
    }
  });

  it('tells in which packets a code may stand', () => {
    for (let code = 0; code <= 0xff; code++) {
      for (const [type, packet] of PACKET_NAMES.entries()) {
        if (packet === undefined) continue;
        const row = REASON_CODES.some((other) => other.code === code && other.packets.includes(packet));
        assert.equal(isReasonCodeOf(type as PacketType, code), row, `${packet} ${code}`);
      }
    }
    assert.equal(isReasonCodeOf(PacketType.PUBACK, -1), false);
    assert.equal(isReasonCodeOf(PacketType.PUBACK, 256), false);
  });

  it('calls 0x00 by the name of its packet', () => {
    assert.equal(reasonCodeName(0x00), 'Success');
    assert.equal(reasonCodeName(0x00, 'SUBACK'), 'Granted QoS 0');
    assert.equal(reasonCodeName(0x00, 'DISCONNECT'), 'Normal disconnection');
    assert.equal(reasonCodeName(0x8e), 'Session taken over');
    assert.equal(reasonCodeName(0x03), '0x03');
  });
});

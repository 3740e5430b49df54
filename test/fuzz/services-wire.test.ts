import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeAnnouncement, encodeAnnouncement } from '../../src/services/wire/announcement.ts';
import { decodeRequestHead, decodeResponseHead, encodeHead } from '../../src/services/wire/message-heads.ts';
import { decodeAgentFailure, encodeAgentFailure } from '../../src/services/wire/service-failure.ts';
import {
  decodeFrame,
  encodeFrame,
  FrameType,
  MAX_CANCEL_BYTES,
  MAX_FAILURE_BYTES,
  MAX_FRAME_NUMBER,
} from '../../src/services/wire/frame.ts';

const MAX_HEAD_BYTES = 1000;
const number32 = fc.integer({ min: 0, max: MAX_FRAME_NUMBER });
const request = fc.integer({ min: 1, max: MAX_FRAME_NUMBER });
const number = fc.integer({ min: 1, max: MAX_FRAME_NUMBER });
const receivedBytes = number32;
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

/** Every frame that there may be. */
const frames = fc.oneof(
  fc.record({
    type: fc.constant(FrameType.REQUEST),
    isLast: fc.boolean(),
    request,
    sequence: fc.constant(0),
    receivedBytes,
    epoch: number,
    timeoutMs: number,
    creditBytes: number,
    head: bytes(1, MAX_HEAD_BYTES),
    body: bytes(0, 100),
  }),
  fc.record({
    type: fc.constant(FrameType.RESPONSE),
    isLast: fc.boolean(),
    request,
    sequence: number32,
    head: bytes(1, MAX_HEAD_BYTES),
    body: bytes(0, 100),
  }),
  fc.record({
    type: fc.constant(FrameType.DATA),
    isLast: fc.boolean(),
    request,
    sequence: number32,
    body: bytes(1, 100),
  }),
  fc.record({
    type: fc.constant(FrameType.CREDIT),
    request,
    sequence: number32,
    creditBytes: fc.integer({ min: 1, max: MAX_FRAME_NUMBER }),
  }),
  fc.record({
    type: fc.constant(FrameType.CANCEL),
    request,
    sequence: number32,
    body: bytes(0, MAX_CANCEL_BYTES),
  }),
  fc.record({
    type: fc.constant(FrameType.FAILURE),
    request,
    sequence: number32,
    body: bytes(1, MAX_FAILURE_BYTES),
  }),
  fc.record({
    type: fc.constantFrom(FrameType.PROBE, FrameType.STATE),
    request,
    sequence: number32,
    receivedBytes,
    sentBytes: number32,
  }),
);

describe('frames of services', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(frames, (parts) => {
        const frame = decodeFrame(encodeFrame(parts));
        assert.ok(typeof frame !== 'string', `no frame: ${JSON.stringify(frame)}`);
        const {
          head = new Uint8Array(0),
          body = new Uint8Array(0),
          isLast = false,
          creditBytes = 0,
          receivedBytes = 0,
          sentBytes = 0,
          epoch = 0,
          timeoutMs = 0,
        } = parts as Partial<typeof frame>;
        assert.deepEqual(
          [frame.type, frame.isLast, frame.request, frame.sequence, frame.creditBytes],
          [parts.type, isLast, parts.request, parts.sequence, creditBytes],
        );
        assert.deepEqual(
          [frame.receivedBytes, frame.sentBytes, frame.epoch, frame.timeoutMs],
          [receivedBytes, sentBytes, epoch, timeoutMs],
        );
        assert.deepEqual(Buffer.from(frame.head), Buffer.from(head));
        assert.deepEqual(Buffer.from(frame.body), Buffer.from(body));
      }),
    );
  });

  it('of any bytes are read without an exception, and only one writing of each is a frame', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(0, 64),
          bytes(14, 60).map((all) => all.map((byte, at) => (at < 2 ? byte % 10 : byte))),
        ),
        (message) => {
          const frame = decodeFrame(message);
          if (typeof frame === 'string') return;
          const hasHead = frame.type === FrameType.REQUEST || frame.type === FrameType.RESPONSE;
          const { head, ...rest } = frame;
          assert.deepEqual(encodeFrame(hasHead ? { ...rest, head } : rest), Buffer.from(message));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('that are cut anywhere are no other frame with the same head', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (parts, cut) => {
        const whole = encodeFrame(parts);
        const frame = decodeFrame(whole.subarray(0, cut % whole.length));
        if (typeof frame === 'string') return;
        // Only the body has no length of its own: MQTT has it.
        assert.equal(frame.request, parts.request);
        assert.ok(frame.type !== FrameType.CREDIT);
      }),
    );
  });

  const header = (type: number, flags = 0, request = 1, sequence = 0): number[] => [
    type,
    flags,
    0,
    0,
    0,
    request,
    0,
    0,
    0,
    sequence,
    0,
    0,
    0,
    0,
  ];
  const numbers = (...all: number[]): number[] => all.flatMap((each) => [0, 0, 0, each]);
  const faults: readonly [string, readonly number[]][] = [
    ['too-short', header(3).slice(1)],
    ['unknown-type', header(0)],
    ['unknown-type', header(9)],
    ['unknown-flag', [...header(3, 2), 1]],
    ['unknown-flag', header(5, 1)],
    ['no-request-number', header(3, 1, 0)],
    ['first-not-zero', [...header(1, 1, 1, 1), ...numbers(1, 1, 1, 1), 0]],
    ['bad-number', [...header(1, 1), ...numbers(0, 1, 1, 1), 0]],
    ['bad-number', [...header(1, 1), ...numbers(1, 0, 1, 1), 0]],
    ['bad-number', [...header(1, 1), ...numbers(1, 1, 0, 1), 0]],
    ['bad-head-length', [...header(2, 1), ...numbers(0)]],
    ['bad-head-length', [...header(2, 1), ...numbers(9), 1]],
    ['bad-head-length', [...header(2, 1), 0xff, 0xff, 0xff, 0xff, 1]],
    ['bad-head-length', [...header(2, 1), 0]],
    ['bad-number', [...header(4), ...numbers(0)]],
    ['bad-number', header(4)],
    ['bad-number', header(7)],
    ['too-long', [...header(4), ...numbers(1), 0]],
    ['too-long', [...header(8), ...numbers(1), 0]],
    ['empty', header(3)],
    ['empty', header(6)],
    ['too-long', [...header(5), ...Array.from({ length: MAX_CANCEL_BYTES + 1 }, () => 65)]],
  ];
  for (const [fault, message] of faults) {
    it(`${fault}: ${message.slice(0, 40).join(' ')}`, () =>
      assert.equal(decodeFrame(Uint8Array.from(message)), fault));
  }

  it('are as docs/protocols/services.md shows them', () => {
    const page = readFileSync(new URL('../../docs/protocols/services.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([0-9a-f ]+)` \| `([A-Z]+)` \|/gm)];
    assert.ok(rows.length >= 6);
    for (const [, hex = '', name = ''] of rows) {
      const frame = decodeFrame(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
      assert.ok(typeof frame !== 'string', `${hex}: ${JSON.stringify(frame)}`);
      assert.equal(frame.type, FrameType[name as keyof typeof FrameType], hex);
    }
    assert.deepEqual(new Set(rows.map(([, , name]) => name)), new Set(Object.keys(FrameType)));
  });
});

describe('heads, failures and announcements', () => {
  const fields = fc.array(
    fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), fc.stringMatching(/^[ -~\u0080-\u00ff]{0,30}$/)),
    { maxLength: 10 },
  );

  it('come back as they were', () => {
    fc.assert(
      fc.property(fields, fc.stringMatching(/^\/[!"$-~]{0,50}$/), fc.nat(), (headers, target, bodyBytes) => {
        const asked = { method: 'PATCH', target, headers, bodyBytes };
        assert.deepEqual(decodeRequestHead(encodeHead(asked)), asked);
        const upgrade = { method: 'GET', target, headers, upgrade: 'websocket' } as const;
        assert.deepEqual(decodeRequestHead(encodeHead(upgrade)), upgrade);
        const answered = { status: 200 + (bodyBytes % 400), headers, bodyBytes };
        assert.deepEqual(decodeResponseHead(encodeHead(answered)), answered);
      }),
    );
    const announcement = {
      epoch: 1,
      isHealthy: true,
      isLeaving: false,
      maxInFlight: 1,
      creditBytes: 1,
      maxHeadBytes: 1,
      description: 'd',
    };
    assert.deepEqual(decodeAnnouncement(encodeAnnouncement(announcement)), { ok: true, value: announcement });
    const newer = Buffer.from('{"version":3,"more":true}');
    assert.deepEqual(decodeAnnouncement(newer), { ok: false, failure: { version: 3 } });
    const failure = { code: 'target-down', message: 'no', isUntouched: true } as const;
    assert.deepEqual(decodeAgentFailure(encodeAgentFailure(failure)), failure);
  });

  it('of any JSON are read without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((text) => Buffer.from(text)),
          bytes(0, 50),
        ),
        (text) => {
          for (const decode of [
            decodeRequestHead,
            decodeResponseHead,
            decodeAnnouncement,
            decodeAgentFailure,
          ])
            decode(text);
        },
      ),
    );
  });

  const good = { method: 'GET', target: '/', headers: [] as unknown };
  const bad: readonly [string, object][] = [
    ['a header with a line break', { headers: [['a', 'b\r\nc: d']] }],
    ['a header with a NUL', { headers: [['a', 'b\0']] }],
    ['a name with a colon', { headers: [['a:', 'b']] }],
    ['an empty name', { headers: [['', 'b']] }],
    ['a character beyond a byte', { headers: [['a', '€']] }],
    ['a header that is no pair', { headers: [['a']] }],
    ['headers that are no list', { headers: {} }],
    ['a method with a space', { method: 'GET /' }],
    ['CONNECT', { method: 'CONNECT' }],
    ['a target with a space', { target: '/ HTTP/1.1' }],
    ['a target with a line break', { target: '/\r\n' }],
    ['a target with a fragment', { target: '/a#b' }],
    ['an upgrade to what is not known', { upgrade: 'h2c' }],
    ['an upgrade with a body', { upgrade: 'websocket', bodyBytes: 1 }],
    ['a target that is an address', { target: 'http://other/' }],
    ['a negative length', { bodyBytes: -1 }],
    ['half a byte', { bodyBytes: 0.5 }],
  ];
  for (const [name, change] of bad) {
    it(`a request with ${name} is none`, () => {
      assert.ok(decodeRequestHead(Buffer.from(JSON.stringify(good))));
      assert.equal(decodeRequestHead(Buffer.from(JSON.stringify({ ...good, ...change }))), undefined);
    });
  }

  it('an answer needs a status that is one', () => {
    for (const status of [199, 100, 102, 600, '200', null])
      assert.equal(decodeResponseHead(Buffer.from(JSON.stringify({ status, headers: [] }))), undefined);
  });

  it('a failure is told without control characters, in at most its bytes, and known by any code', () => {
    const failure = decodeAgentFailure(
      Buffer.from('{"code":"new","message":"a\\u001b[2Jb","isUntouched":false}'),
    );
    assert.deepEqual(failure, { code: 'bad-answer', message: 'a [2Jb', isUntouched: false });
    const long = { code: 'busy', message: '\u0001'.repeat(5000), isUntouched: true } as const;
    assert.ok(encodeAgentFailure(long).length <= MAX_FAILURE_BYTES);
  });
});

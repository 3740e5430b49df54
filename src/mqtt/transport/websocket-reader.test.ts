import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloseCode, frameHead, Opcode, WebSocketReader } from './websocket-reader.ts';

const FIN = 0x80;
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A frame as a client sends it. */
function frame(first: number, content: Buffer): Buffer {
  const head = frameHead(Opcode.BINARY, content.length);
  head[0] = first;
  head[1]! |= 0x80;
  return Buffer.concat([head, Buffer.from(MASK), content.map((byte, index) => byte ^ MASK[index % 4]!)]);
}

/** Everything that a reader makes of bytes which come in pieces. */
function readPieces(bytes: Buffer, pieceBytes: number): { reader: WebSocketReader; data: Buffer } {
  const reader = new WebSocketReader();
  const data: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    data.push(piece.subarray(0, reader.read(piece, piece.length)));
  }
  return { reader, data: Buffer.concat(data) };
}

test('however frames are cut, their content comes whole, in order and without masks', () => {
  const content = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index * 7 + (index >> 8)));
  const bytes = Buffer.concat([
    frame(FIN | Opcode.BINARY, content.subarray(0, 5)),
    frame(FIN | Opcode.BINARY, content.subarray(5, 5)),
    frame(Opcode.BINARY, content.subarray(5, 130)),
    frame(FIN | Opcode.PING, Buffer.from('first')),
    frame(Opcode.CONTINUATION, content.subarray(130, 300)),
    frame(FIN | Opcode.PING, Buffer.from('second')),
    frame(FIN | Opcode.PONG, Buffer.from('of nothing')),
    frame(FIN | Opcode.CONTINUATION, content.subarray(300, 301)),
    frame(FIN | Opcode.BINARY, content.subarray(301)),
    frame(FIN | Opcode.CLOSE, Buffer.from([0x03, 0xe9, 0x62, 0x79, 0x65])),
    frame(FIN | Opcode.BINARY, Buffer.from('too late')),
  ]);
  for (const pieceBytes of [1, 2, 3, 5, 7, 64, 1021, bytes.length]) {
    const { reader, data } = readPieces(bytes, pieceBytes);
    assert.ok(data.equals(content), `in pieces of ${pieceBytes}`);
    assert.equal(reader.ping?.toString(), 'second');
    assert.deepEqual(reader.end, { code: 1001, fault: undefined });
  }
});

test('what breaks the protocol ends it with the code of RFC 6455, and nothing after it is read', () => {
  const close = (...content: readonly number[]): Buffer => frame(FIN | Opcode.CLOSE, Buffer.from(content));
  const cases: readonly (readonly [string, Buffer, number])[] = [
    ['a reserved bit', frame(0xc2, Buffer.from('x')), CloseCode.PROTOCOL_ERROR],
    ['no mask', Buffer.from([0x82, 1, 0x78]), CloseCode.PROTOCOL_ERROR],
    ['a reserved opcode', frame(0x83, Buffer.from('x')), CloseCode.PROTOCOL_ERROR],
    ['a reserved control opcode', frame(0x8b, Buffer.from('x')), CloseCode.PROTOCOL_ERROR],
    ['a continuation of nothing', frame(0x80, Buffer.from('x')), CloseCode.PROTOCOL_ERROR],
    ['a control frame in parts', frame(Opcode.PING, Buffer.from('x')), CloseCode.PROTOCOL_ERROR],
    ['a long control frame', frame(FIN | Opcode.PING, Buffer.alloc(126)), CloseCode.PROTOCOL_ERROR],
    ['a text', frame(FIN | Opcode.TEXT, Buffer.from('x')), CloseCode.UNSUPPORTED_DATA],
    ['half a close code', close(3), CloseCode.PROTOCOL_ERROR],
    ['a close code that is never sent', close(0x03, 0xed), CloseCode.PROTOCOL_ERROR],
    ['a close code below 1000', close(0x03, 0xe7), CloseCode.PROTOCOL_ERROR],
    ['a close code above 4999', close(0x13, 0x88), CloseCode.PROTOCOL_ERROR],
    ['a reason that is no UTF-8', close(0x03, 0xe8, 0xff), CloseCode.INVALID_TEXT],
    [
      'a frame of more bytes than a number holds',
      Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
      CloseCode.TOO_LARGE,
    ],
    [
      'a message within another',
      Buffer.concat([frame(Opcode.BINARY, Buffer.alloc(1)), frame(FIN | Opcode.BINARY, Buffer.alloc(1))]),
      CloseCode.PROTOCOL_ERROR,
    ],
  ];
  for (const [name, bytes, code] of cases) {
    for (const pieceBytes of [1, bytes.length]) {
      const { reader, data } = readPieces(
        Buffer.concat([bytes, frame(FIN | Opcode.BINARY, Buffer.alloc(300))]),
        pieceBytes,
      );
      assert.equal(reader.end?.code, code, name);
      assert.notEqual(reader.end?.fault, undefined, name);
      assert.ok(data.length <= 100, name);
    }
  }
});

test('a close frame needs no code', () => {
  const { reader } = readPieces(frame(FIN | Opcode.CLOSE, Buffer.alloc(0)), 1);
  assert.deepEqual(reader.end, { code: CloseCode.NONE, fault: undefined });
});

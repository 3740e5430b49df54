import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The service behind the agents of the bench: it sends bytes and takes bytes, and says the SHA-256 of what it took.
 * Prints its port.
 */
const BLOCK = createBlock(1024 * 1024);

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://target');
  if (pathname === '/download') void download(Number(searchParams.get('bytes')), response);
  else if (pathname === '/upload') upload(request, response);
  else echo(request, response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
});

/** Bytes that repeat only after a mebibyte, each block with another first byte: a lost or doubled piece shows. */
function createBlock(bytes: number): Buffer {
  const block = Buffer.alloc(bytes);
  let state = 1;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    block[index] = state >>> 16;
  }
  return block;
}

async function download(bytes: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-length': bytes });
  for (let sent = 0; sent < bytes; sent += BLOCK.length) {
    if (response.destroyed) return;
    const piece = BLOCK.subarray(0, Math.min(BLOCK.length, bytes - sent));
    if (!response.write(piece)) await new Promise<void>((resolve) => waitForRoom(response, resolve));
  }
  response.end();
}

function waitForRoom(response: ServerResponse, resolve: () => void): void {
  response.once('drain', resolve);
  response.once('close', resolve);
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha256');
  request.on('data', (chunk: Buffer) => hash.update(chunk));
  request.on('end', () => response.end(hash.digest('hex')));
}

/** Says what it was asked, so that the caller knows its own answer from those of others. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => response.end(`${request.method} ${request.url} ${bytes}`));
}

import { createServer, type Socket } from 'node:net';
import { Networks, plainAddress } from '../../base/networks.ts';
import type { Handshakes } from './handshakes.ts';
import { openServer } from './open-server.ts';
import { parseProxyHeader } from './proxy-protocol.ts';
import type { Refusals } from './refusals.ts';

/** Expects the header of the PROXY protocol, version 1 or 2, before everything else on each connection. */
type ProxyProtocolOptions = {
  /** Addresses and CIDR ranges of the load balancers. Connections from elsewhere are refused. */
  readonly trustedNetworks: readonly string[];
};

export type IncomingOptions = {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Connections that may wait to be accepted; 4096 unless told, and the system may allow less. */
  readonly backlog?: number;
  readonly proxyProtocol?: ProxyProtocolOptions;
};

/** Takes a connection that is paused, and who is at its other end. */
export type TakeIncoming = (socket: Socket, address: string, port: number) => void;

type IncomingParts = {
  readonly refusals: Refusals;
  readonly handshakes: Handshakes;
  /** True when a handshake follows that `take` finishes; otherwise it is over with the PROXY header. */
  readonly hasHandshake: boolean;
};

/** What a server does with each connection: reads its PROXY header where it must have one, and hands it on. */
export function receiveIncoming(
  proxyProtocol: ProxyProtocolOptions | undefined,
  { refusals, handshakes, hasHandshake }: IncomingParts,
  take: TakeIncoming,
): (socket: Socket) => void {
  const trusted = proxyProtocol && new Networks(proxyProtocol.trustedNetworks);
  return (socket) => {
    const { remoteAddress, remotePort = 0 } = socket;
    // It has gone again while it waited to be accepted.
    if (remoteAddress === undefined) return void socket.destroy();
    const address = plainAddress(remoteAddress);
    if (trusted !== undefined && !trusted.has(address)) {
      socket.destroy();
      return refusals.tell('proxy-untrusted', address);
    }
    if (hasHandshake || trusted !== undefined) handshakes.begin(socket, address);
    if (trusted === undefined) return take(socket, address, remotePort);
    readProxyHeader(socket, handshakes, (source) => {
      if (!hasHandshake && !handshakes.finish(socket)) return;
      if (source !== undefined) handshakes.move(socket, source.address);
      take(socket, source?.address ?? address, source?.port ?? remotePort);
    });
  };
}

/** Listens for TCP connections, and reads their PROXY headers where they must have one. */
export async function openIncoming(
  options: IncomingOptions,
  parts: IncomingParts,
  take: TakeIncoming,
): Promise<{ port: number; close: () => Promise<void> }> {
  const { host, port, backlog, proxyProtocol } = options;
  const { refusals, handshakes } = parts;
  const receive = receiveIncoming(proxyProtocol, parts, take);
  const server = createServer({ noDelay: true, pauseOnConnect: true }, receive);
  const open = await openServer(server, { host, port }, refusals, backlog);
  return {
    port: open,
    close: () => {
      // Its callback would wait for every connection; the port is free at once.
      server.close();
      handshakes.close();
      return Promise.resolve();
    },
  };
}

/** Reads exactly the header; what came behind it goes back into the socket. */
function readProxyHeader(
  socket: Socket,
  handshakes: Handshakes,
  onHeader: (source: { address: string; port: number } | undefined) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes);
    if (header.kind === 'incomplete') return;
    socket.off('readable', onReadable);
    if (header.kind === 'invalid')
      return handshakes.refuse(socket, 'proxy-header-invalid', new Error(header.why));
    if (header.bytes < bytes.length) socket.unshift(bytes.subarray(header.bytes));
    onHeader(header.source);
  };
  socket.on('readable', onReadable);
}

import { DEFAULT_MAX_KEPT_BYTES, Ledger, RESERVE } from '../src/base/ledger.ts';
import { DEFAULT_VERIFIER_LIMITS } from '../src/mqtt/access/password-verifier.ts';
import { DEFAULT_HANDSHAKE_TIMEOUT_MS, DEFAULT_MAX_HANDSHAKES } from '../src/mqtt/transport/handshakes.ts';
import { KEPT_KINDS, NEWCOMER_BYTES, PARTY_BYTES, TLS_HANDSHAKE_BYTES } from '../src/base/kept-kinds.ts';

const KIB = 1024;
const MIB = KIB * KIB;

function partiesOf(newcomerBytes: number): string {
  const [lines] = new Ledger({ newcomerBytes }).totals();
  return ((lines?.limitBytes ?? 0) / PARTY_BYTES).toLocaleString('en');
}

/** docs/limits.md: `npm run docs:limits` writes it anew. */
export function limitsDocs(): string {
  return `${TEXT}\n${table()}${PLACES}`;
}

const SHARED =
  'from one half on no caller has more than its share, and an eighth is kept for those that have none';
const IN_TURN =
  'callers take turns; where it is full, the newest of whoever has most leaves for one who has less';

const TEXT = `# Limits

This page is made from the table in \`src/base/kept-kinds.ts\` by \`npm run docs:limits\`.

Everything that a peer makes the hub keep is booked in one ledger, at what it costs in memory: to the peer, to its kind,
and to the whole. The whole is \`memory.maxKeptBytes\` (${DEFAULT_MAX_KEPT_BYTES / MIB} MiB unless it says otherwise). A peer is whoever has proven who it is: a
token, an MQTT user, a certificate, a device token. All others are their address; of IPv6 the first 64 bits. Up to
${partiesOf(NEWCOMER_BYTES)} of them are told apart, ${PARTY_BYTES} bytes each, in proportion to that memory and no more than 32,768; those beyond
share one line.

Each kind and the whole have a limit, and one rule:

- up to half of the limit everybody may have what there is;
- from there to ${(1 - RESERVE) * 100} %, a peer may not grow above its share: ${(1 - RESERVE) * 100} % of the limit, divided by the number of peers that hold
  some of it and one more;
- the rest is for those that hold next to nothing: of the whole a newcomer finds ${NEWCOMER_BYTES / KIB} KiB however much the others hold; where
  a port has TLS, ${(NEWCOMER_BYTES + TLS_HANDSHAKE_BYTES) / KIB} KiB, and ${partiesOf(NEWCOMER_BYTES + TLS_HANDSHAKE_BYTES)} peers are told apart. Of a kind, up to ${(1 - RESERVE / 2) * 100} %, it finds what is left until
  there, divided as above.

Where that is not enough for who connects, for a packet or head that has not come whole, for a CONNECT with its Will, for a
Topic Alias that a client gives, or for a message that has to wait until its client reads, and connections hold what is full, connections of the peer that holds most are closed, the newest first,
no more of them than it takes; unless who asks would have more than its share.

\`GET /metrics\` has, for each kind, \`recado_kept_bytes\`, \`recado_kept_things\`, \`recado_kept_limit_bytes\` and
\`recado_kept_refused_total\`, with the label \`kind\`. What a program that embeds \`recado/mqtt\` keeps is booked in the same
way, in a ledger of its broker's own.

**Cost** is the fixed part and what each byte costs. **Share** is the part of the whole that a kind may have; where one of
its options says a number of bytes for all of the kind, that is its limit instead. The other options bound what one peer,
or one thing, may have.

Costs are memory of Node: the heap and its buffers, and not what the system has for sockets; of TLS, that of OpenSSL. \`limits-growth.test.ts\`,
\`limits-growth-wire.test.ts\` and \`limits-tls.test.ts\` of \`test/conformance\` fill each kind, and hold what is booked to at least 80 % of
what the process has grown by.

What is not booked has a bound of its own:

- answers of services on their way to a slow caller: their flow control bounds them for each request;
- connections whose PROXY header or upgrade is under way: some KiB each, and ${DEFAULT_MAX_HANDSHAKES} at a listener;
- one body of a request up to 4 KiB, and one answer up to 4 KiB, which \`http_connection\` has in its cost;
- lines of the log that their reader does not take: 1 MiB, then they are dropped, and how many is told.
`;

const PLACES = `
## Places

What has places, and not bytes, is shared as well. A caller is a principal, or an address; of IPv6 the first 64 bits.

| Places | Options | Who gets one |
| --- | --- | --- |
| Commands at once in a framed device | \`gateways.socket.maxInFlightInvocations\` | ${SHARED} |
| Requests at once for a service | \`services.maxInFlightPerService\`, or what its agents take | ${SHARED} |
| Requests at once of \`recado gateway\` | \`limits.maxInFlight\` of its file | ${SHARED} |
| Commands that wait for a device | \`devices.maxQueuedInvocations\`, \`devices.maxQueuedPerCaller\` | ${IN_TURN} |
| Requests of \`recado gateway\` that wait for one response topic | \`limits.maxQueued\` of its file | ${IN_TURN} |
| Passwords that wait to be checked | ${DEFAULT_VERIFIER_LIMITS.maxWaitingHashes}, of one address ${DEFAULT_VERIFIER_LIMITS.maxWaitingHashesPerAddress}, for ${DEFAULT_VERIFIER_LIMITS.maxHashWaitMs} ms | ${IN_TURN} |
| Connections of a listener | \`mqtt.maxConnections\`, \`gateways.socket.maxConnections\` | where all are taken, a newcomer gets that of the address that has most: its oldest that has not said who it is, else its newest |
| Connections whose TLS, PROXY header or upgrade is under way | ${DEFAULT_MAX_HANDSHAKES}, for ${DEFAULT_HANDSHAKE_TIMEOUT_MS} ms | the same: the oldest of the address that has most |
| Lines of one kind in the log that others cause | 20 a second; of devices that come and go, and clients that leave, 200; of faults of devices 40 | one party has half of them; one line says how many more there were |
`;

function table(): string {
  const rows = KEPT_KINDS.map(({ name, what, whose, fixedBytes, perByte, share, refusal, options }) =>
    [
      `\`${name}\``,
      what,
      whose,
      `${(fixedBytes / KIB).toLocaleString('en')} KiB${perByte === 1 ? '' : `, ${perByte} a byte`}`,
      share === 1 ? 'all' : `1/${1 / share}`,
      refusal,
      options.map((option) => `\`${option}\``).join(', '),
    ].join(' | '),
  );
  const head = ['Kind', 'What', 'Booked to', 'Cost', 'Share', 'Refusal', 'Options'];
  return [head.join(' | '), head.map(() => '---').join(' | '), ...rows].map((row) => `| ${row} |\n`).join('');
}

if (import.meta.main) process.stdout.write(limitsDocs());

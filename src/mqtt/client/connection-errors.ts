import { RecadoError } from '../../base/errors.ts';
import { TLS_FAULT_WORDS, tlsFaultOf, type TlsFault } from '../../base/tls-fault.ts';
import { MqttError } from '../codec/errors.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import type { PacketName } from '../codec/control-packet.ts';
import type { BrokerAddress } from './broker-address.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import { TOPIC_FAULT_WORDS } from '../topics/topic-name.ts';
import { MqttClientError, reasonText } from './client-error.ts';

/** What to do about errors of the system, TLS and WebSockets, by their code. */
const REMEDIES: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ECONNREFUSED: ['nothing listens there', 'start it, or correct the host or the port'],
  ENOTFOUND: ['the name of the host is not known', 'correct the host'],
  EAI_AGAIN: ['the name of the host could not be looked up', 'see whether this machine has a network'],
  EHOSTUNREACH: ['there is no way to that host', 'correct the host, or see whether it is on'],
  ENETUNREACH: ['there is no network to that host', 'see whether this machine has a network'],
  ECONNRESET: [
    'it ended the connection',
    'see whether the port is one for MQTT, and with or without TLS as here',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    'it wants a certificate of this client',
    'give one, and its key',
  ],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: [
    'it ended the TLS handshake',
    'see whether it wants a client certificate',
  ],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: [
    'it does not trust the certificate given here',
    'give one that its CA has signed',
  ],
};

const TLS_REMEDIES: Readonly<Record<TlsFault, string>> = {
  'certificate-untrusted': 'name the certificate of its CA',
  'certificate-name': 'use the name in the certificate',
  'certificate-time': 'renew the certificate of the broker, or set the clock of this machine',
  'no-tls': 'correct the port, or connect without TLS',
};

/** No connection came to be, and the broker did not say why. */
export function unreachableError({ label }: BrokerAddress, cause: Error | undefined): MqttClientError {
  const [what, remedy] = explain(cause);
  return new MqttClientError(
    'BROKER_UNREACHABLE',
    `cannot reach the MQTT broker at ${label}: ${what}; ${remedy}`,
    { cause },
  );
}

/** No connection came to be in time. */
export function silentError(address: BrokerAddress, connectTimeoutMs: number): MqttClientError {
  const cause = new RecadoError('BROKER_TIMEOUT', `it did not answer within ${connectTimeoutMs} ms`);
  return unreachableError(address, cause);
}

function explain(cause: Error | undefined): readonly [what: string, remedy: string] {
  if (cause === undefined)
    return ['it closed the connection at once', 'see whether the port is one for MQTT'];
  if (cause instanceof MqttError)
    return [`what answers there is no MQTT broker (${cause.message})`, 'correct the port'];
  if (cause instanceof RecadoError) return [cause.message, 'see whether the port is one for MQTT'];
  const { code } = cause as NodeJS.ErrnoException;
  const fault = tlsFaultOf({ code });
  if (fault !== undefined) return [TLS_FAULT_WORDS[fault], TLS_REMEDIES[fault]];
  // OpenSSL writes file names and several lines into its messages.
  const { reason = cause.message } = cause as { reason?: string };
  return REMEDIES[String(code)] ?? [firstLine(reason), 'see whether it is up and the address is right'];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** The options do not allow even an attempt: mostly what is given as a certificate or a key is none. */
export function unusableError({ label }: BrokerAddress, cause: Error): MqttClientError {
  return new MqttClientError(
    'CONFIG_INVALID',
    `cannot connect to ${label} like that: ${firstLine(cause.message)}; see whether certificates and key are PEM and fit together`,
    { cause },
  );
}

/** What the options say does not fit into a CONNECT. */
export function unencodableError({ label }: BrokerAddress, cause: Error): MqttClientError {
  const text = `cannot connect to ${label} like that: ${cause.message}; correct the client id, the user, the password or the Will`;
  return new MqttClientError('CONFIG_INVALID', text, { cause });
}

/** The broker answered CONNECT with a failure. */
export function refusedError(
  { label }: BrokerAddress,
  reasonCode: number,
  reasonString: string | undefined,
): MqttClientError {
  // A broker that says why knows better than what is mostly so.
  const remedy = reasonString === undefined ? `; ${refusalRemedy(reasonCode)}` : ` ("${reasonString}")`;
  const why = `${reasonText(reasonCode, 'CONNACK')}${remedy}`;
  return new MqttClientError('BROKER_REFUSED', `the MQTT broker at ${label} refused the connection: ${why}`, {
    reasonCode,
  });
}

/** The Authentication Method of CONNECT has a second step, which this client does not know. */
export function unansweredAuthError(address: BrokerAddress): MqttClientError {
  const words =
    'it goes on with AUTH, which this client does not answer: only methods that end with CONNECT are for it';
  return refusedError(address, ReasonCode.BAD_AUTHENTICATION_METHOD, words);
}

function refusalRemedy(reasonCode: number): string {
  switch (reasonCode) {
    case 4:
    case 5:
    case ReasonCode.BAD_USER_NAME_OR_PASSWORD:
    case ReasonCode.NOT_AUTHORIZED:
      return 'see whether it wants a user name and a password, and whether these are right';
    case 2:
    case ReasonCode.CLIENT_IDENTIFIER_NOT_VALID:
      return 'give another client id';
    case 1:
    case ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
      return 'choose another version of MQTT';
    default:
      return 'its log may say more';
  }
}

/** The broker answered a PUBLISH or a SUBSCRIBE with a failure. */
export function deniedError(denial: {
  readonly label: string;
  readonly packet: PacketName;
  /** `a message on a/b` */
  readonly what: string;
  readonly reasonCode: number;
}): MqttClientError {
  const { label, packet, what, reasonCode } = denial;
  // The one failure code of MQTT 3.1.1 says nothing, and is nearly always about rights.
  const why = reasonText(reasonCode, packet === 'PUBLISH' ? 'DISCONNECT' : packet);
  return new MqttClientError(
    'BROKER_DENIED',
    `the MQTT broker at ${label} denied ${what}: ${why}; see what this user may do there`,
    { reasonCode },
  );
}

/** A connection that was there is gone. */
export function lostError(
  label: string,
  why: string | undefined,
  reasonCode?: number,
  cause?: Error,
): MqttClientError {
  const said = reasonCode === undefined || reasonCode === 0 ? why : reasonText(reasonCode, 'DISCONNECT');
  return new MqttClientError(
    'BROKER_LOST',
    `the connection to the MQTT broker at ${label} was lost${said === undefined ? '' : `: ${said}`}`,
    { cause, ...(reasonCode !== undefined && { reasonCode }) },
  );
}

/** What was asked when, or before, the client was closed. */
export function closedError(label: string): MqttClientError {
  return new MqttClientError('BUS_CLOSED', `the connection to the MQTT broker at ${label} was closed`);
}

export function invalidFilterError(topicFilter: string): MqttClientError {
  const parsed = parseTopicFilter(topicFilter, Number.POSITIVE_INFINITY);
  const why = parsed.ok ? '' : `: it ${TOPIC_FAULT_WORDS[parsed.failure]}`;
  return new MqttClientError('TOPIC_INVALID', `"${topicFilter}" is not a topic filter${why}`);
}

const NO_TLS = 'what came is no TLS';
const NO_TRUST = 'it does not trust the certificate of this server';
const WRONG_VERSION = 'it speaks no version of TLS that is allowed here';

/** By the codes of Node; OpenSSL's own texts name its source files. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_HTTP_REQUEST', 'plain HTTP came, where TLS is spoken'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['ERR_SSL_BAD_RECORD_TYPE', NO_TLS],
  ['ERR_SSL_UNEXPECTED_MESSAGE', NO_TLS],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', NO_TRUST],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', NO_TRUST],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', NO_TRUST],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', NO_TRUST],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', WRONG_VERSION],
  ['ERR_SSL_VERSION_TOO_LOW', WRONG_VERSION],
  ['ERR_SSL_NO_SHARED_CIPHER', 'it has no cipher in common with this server'],
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'it gave no certificate'],
  ['ECONNRESET', 'it ended the connection'],
]);

/** Why a peer got no further than the handshake, in a few words. */
export function handshakeFaultOf(error: Error): string {
  const { code = '', reason } = error as Error & { readonly code?: string; readonly reason?: string };
  return WORDS.get(code) ?? reason ?? error.message.split('\n', 1)[0] ?? '';
}

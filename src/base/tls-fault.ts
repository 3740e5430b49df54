/** Why TLS did not come to be, as far as the side that connects can know it. */
export type TlsFault = 'certificate-untrusted' | 'certificate-name' | 'certificate-time' | 'no-tls';

/** By the codes of Node and OpenSSL. */
const FAULTS: ReadonlyMap<string, TlsFault> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-untrusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate-untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate-untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate-untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate-untrusted'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-name'],
  ['CERT_HAS_EXPIRED', 'certificate-time'],
  ['CERT_NOT_YET_VALID', 'certificate-time'],
  ['EPROTO', 'no-tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'no-tls'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'no-tls'],
]);

/** Each in words, of the other side. */
export const TLS_FAULT_WORDS: Readonly<Record<TlsFault, string>> = {
  'certificate-untrusted': 'its certificate is not one that is trusted here',
  'certificate-name': 'its certificate is for another host',
  'certificate-time': 'its certificate has expired, or is not valid yet',
  'no-tls': 'it does not speak TLS there',
};

/** Undefined where the error is of another kind. */
export function tlsFaultOf({ code = '' }: { readonly code?: string | undefined }): TlsFault | undefined {
  return FAULTS.get(code);
}

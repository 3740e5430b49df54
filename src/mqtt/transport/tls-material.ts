import { constants, X509Certificate } from 'node:crypto';
import type { SecureContext, TLSSocket, TlsOptions } from 'node:tls';
import { RecadoError } from '../../base/errors.ts';
import type { ClientCertificate } from './transport.ts';

/** A certificate chain, the server's own first, and its private key; both in PEM. */
type TlsIdentity = { readonly cert: string | Buffer; readonly key: string | Buffer };

/** What may be replaced while a listener is open. The caller reads the files. */
export type TlsMaterial = TlsIdentity & {
  /** The authorities that sign client certificates, in PEM, one or several in one text. */
  readonly ca?: string | Buffer;
  /** Other identities by the name that the client asks for: `mqtt.example.org`, or `*.example.org` for one level. */
  readonly sni?: Readonly<Record<string, TlsIdentity>>;
};

export type TlsRules = {
  /** `optional` lets clients in whose certificate is missing or not verified, without one in their `Peer`. */
  readonly requestClientCertificate?: 'no' | 'optional' | 'required';
  /** `TLSv1.2` unless told. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
};

type Contexts = {
  /** For the server's own context, which clients without or with an unknown name get. */
  readonly options: TlsOptions;
  readonly byName: ReadonlyMap<string, SecureContext>;
};

/** The identities of a TLS listener. */
export class TlsIdentities {
  readonly #rules: TlsRules;
  #contexts: Contexts;

  /** @throws RecadoError CONFIG_INVALID, naming what cannot be used */
  constructor(material: TlsMaterial, rules: TlsRules) {
    this.#rules = rules;
    this.#contexts = makeContexts(material, rules);
  }

  /** For `tls.createServer`. */
  get serverOptions(): TlsOptions {
    const { requestClientCertificate = 'no' } = this.#rules;
    return {
      ...this.#contexts.options,
      requestCert: requestClientCertificate !== 'no',
      rejectUnauthorized: requestClientCertificate === 'required',
      SNICallback: (name, done) => done(null, this.#find(name.toLowerCase())),
    };
  }

  /**
   * Takes other material for the connections that come from now on. When it cannot be used, the old stays.
   *
   * @throws RecadoError CONFIG_INVALID, naming what cannot be used
   */
  replace(material: TlsMaterial, setOwnContext: (options: TlsOptions) => void): void {
    const contexts = makeContexts(material, this.#rules);
    setOwnContext(contexts.options);
    this.#contexts = contexts;
  }

  #find(name: string): SecureContext | undefined {
    const { byName } = this.#contexts;
    return byName.get(name) ?? byName.get(`*${name.slice(name.indexOf('.'))}`);
  }
}

function makeContexts(material: TlsMaterial, rules: TlsRules): Contexts {
  const { requestClientCertificate = 'no', minVersion = 'TLSv1.2' } = rules;
  const ca = requestClientCertificate === 'no' ? undefined : checkAuthorities(material.ca);
  // Each handshake costs the server much more than the client, and Node's own limit does not hold for all sockets.
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  const shared = { minVersion, secureOptions, ...(ca === undefined ? {} : { ca }) };
  const options = { ...shared, cert: material.cert, key: material.key };
  makeContext(options, 'the server');
  const byName = Object.entries(material.sni ?? {}).map(([name, { cert, key }]) => {
    const context = makeContext({ ...shared, cert, key }, name);
    return [name.toLowerCase(), context] as const;
  });
  return { options, byName: new Map(byName) };
}

function makeContext(options: TlsIdentity & TlsOptions, whose: string): SecureContext {
  // An empty text would be taken for none.
  if (options.cert.length === 0 || options.key.length === 0)
    throw new RecadoError('CONFIG_INVALID', `The certificate or the key of ${whose} is empty.`);
  try {
    return process.getBuiltinModule('node:tls').createSecureContext(options);
  } catch (error) {
    throw unusable(`The certificate and key of ${whose} cannot be used`, error);
  }
}

/** Without authorities of its own, Node would trust every one that browsers trust. */
function checkAuthorities(ca: string | Buffer | undefined): string | Buffer {
  if (ca === undefined || ca.length === 0) {
    const remedy = 'give the authorities that sign them as `ca`';
    throw new RecadoError('CONFIG_INVALID', `Client certificates cannot be verified: ${remedy}.`);
  }
  try {
    void new X509Certificate(ca);
    return ca;
  } catch (error) {
    throw unusable('The authorities of client certificates cannot be used', error);
  }
}

function unusable(what: string, error: unknown): RecadoError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RecadoError('CONFIG_INVALID', `${what}: ${reason}.`, { cause: error });
}

/** What a client proved of itself. Undefined when it showed no certificate, or one that was not verified. */
export function clientCertificate(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined;
  const { subject, subjectaltname, fingerprint256 } = socket.getPeerCertificate();
  if (fingerprint256 === undefined) return undefined;
  // A certificate with several names in its subject is nobody in particular.
  const commonName: unknown = subject?.CN;
  return {
    commonName: typeof commonName === 'string' ? commonName : undefined,
    subjectAltName: subjectaltname,
    fingerprint: fingerprint256,
  };
}

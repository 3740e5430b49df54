import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key in PEM. */
export type TestIdentity = { readonly cert: string; readonly key: string };

/** Issues certificates for tests, in memory. */
export type TestAuthority = {
  /** Its own certificate in PEM, for those who are to trust it. */
  readonly ca: string;
  /** For a server with these names and addresses; the first is also its common name. */
  issueServer(...names: readonly string[]): Promise<TestIdentity>;
  /** For a client with this common name; the subject alternative name is `DNS:<name>`. */
  issueClient(commonName: string): Promise<TestIdentity>;
};

type X509 = typeof import('@peculiar/x509');

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

/** Makes an authority that is valid from yesterday to tomorrow. */
export async function makeAuthority(commonName = 'Test CA'): Promise<TestAuthority> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const { notBefore, notAfter } = validity();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${commonName}`,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  let serial = 1;
  const issue = async (names: readonly string[], usage: string): Promise<TestIdentity> => {
    const leaf = await makeKeys();
    serial++;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(4, '0'),
      subject: `CN=${names[0]}`,
      issuer: own.subject,
      notBefore,
      notAfter,
      signingAlgorithm: ALGORITHM,
      publicKey: leaf.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    });
    return { cert: certificate.toString('pem'), key: await toPem(leaf.privateKey) };
  };
  return {
    ca: own.toString('pem'),
    issueServer: (...names) => issue(names, x509.ExtendedKeyUsage.serverAuth),
    issueClient: (name) => issue([name], x509.ExtendedKeyUsage.clientAuth),
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS) };
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}

/** The library injects its own parts by decorators, which need the metadata functions that no engine has. */
async function loadX509(): Promise<X509> {
  const kept = new WeakMap<object, Map<unknown, unknown>>();
  const own = (key: unknown, target: object): unknown => kept.get(target)?.get(key);
  const define = (key: unknown, value: unknown, target: object): void => {
    kept.set(target, (kept.get(target) ?? new Map<unknown, unknown>()).set(key, value));
  };
  if (!('getMetadata' in Reflect)) {
    Object.assign(Reflect, {
      defineMetadata: define,
      getOwnMetadata: own,
      getMetadata: (key: unknown, target: object | null): unknown => {
        for (let at = target; at !== null; at = Reflect.getPrototypeOf(at)) {
          if (kept.get(at)?.has(key) === true) return own(key, at);
        }
        return undefined;
      },
      metadata: (key: unknown, value: unknown) => (target: object) => define(key, value, target),
    });
  }
  return import('@peculiar/x509');
}

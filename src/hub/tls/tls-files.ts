import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { fail, succeed, type Result } from '../../base/result.ts';
import { formatFault } from '../../mqtt/access/file-fault.ts';
import { readAccessFile, warnOfOpenness, type FileReading } from '../../mqtt/access/read-access-file.ts';
import type { TlsMaterial } from '../../mqtt/transport/tls-material.ts';

/** What a section `tls` of a configuration says of files. */
export type TlsFiles = {
  readonly certFile: string;
  readonly keyFile: string;
  /** Only where clients are asked for certificates. */
  readonly caFile?: string;
  readonly clientCertificates?: 'no' | 'optional' | 'required';
};

type TlsReading = {
  /** What `findSignatures` says of the files that were read, also when they are not good. */
  readonly signatures: string;
  /** Or each fault with its file, and its line where it has one: `hub.crt:21: …`. */
  readonly result: Result<
    /** What is risky about the files, for people. */
    { readonly material: TlsMaterial; readonly warnings: readonly string[] },
    readonly string[]
  >;
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The files of a TLS listener, in the order of their signatures. */
export function listTlsFiles({
  certFile,
  keyFile,
  caFile = '',
  clientCertificates = 'no',
}: TlsFiles): string[] {
  return [certFile, keyFile, ...(clientCertificates === 'no' ? [] : [caFile])];
}

/** Reads certificates and key: good together, or not at all. */
export async function readTlsFiles(tls: TlsFiles): Promise<TlsReading> {
  const files = listTlsFiles(tls);
  const readings = await Promise.all(files.map(readAccessFile));
  const signatures = readings.map(({ signature }) => signature).join(' ');
  const [cert, key, ca] = readings.map(({ result }) => result);
  const chain = readCertificates(tls.certFile, cert);
  const privateKey = readKey(tls.keyFile, key);
  const authorities = readCertificates(tls.caFile ?? '', ca);
  const faults = [...chain.faults, ...privateKey.faults, ...authorities.faults];
  const [own] = chain.certificates;
  if (own !== undefined && privateKey.key !== undefined && !own.checkPrivateKey(privateKey.key))
    faults.push(`${tls.keyFile}: is not the key of the first certificate in ${tls.certFile}`);
  if (faults.length > 0) return { signatures, result: fail(faults) };
  const withCa = ca === undefined ? {} : { ca: authorities.text };
  const material = { cert: chain.text, key: privateKey.text, ...withCa };
  const warnings = readings.flatMap((reading, index) => {
    const file = files[index]!;
    return warnOfOpenness(file, reading, file === tls.keyFile ? 'the key' : undefined);
  });
  return { signatures, result: succeed({ material, warnings }) };
}

type Certificates = {
  readonly text: string;
  readonly certificates: readonly X509Certificate[];
  readonly faults: readonly string[];
};

function readCertificates(file: string, reading: FileReading['result'] | undefined): Certificates {
  if (reading === undefined) return { text: '', certificates: [], faults: [] };
  if (!reading.ok) return { text: '', certificates: [], faults: [`${file}: ${reading.failure}`] };
  const { text } = reading.value;
  const certificates: X509Certificate[] = [];
  const faults: string[] = [];
  for (const { 0: block, index } of text.matchAll(CERTIFICATE)) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      const line = text.slice(0, index).split('\n').length;
      faults.push(formatFault(file, { line, message: 'this certificate cannot be read' }));
    }
  }
  if (certificates.length + faults.length === 0) faults.push(`${file}: has no certificate in PEM`);
  return { text, certificates, faults };
}

type Key = {
  readonly text: string;
  readonly key: KeyObject | undefined;
  readonly faults: readonly string[];
};

function readKey(file: string, reading: FileReading['result'] | undefined): Key {
  if (reading?.ok !== true)
    return { text: '', key: undefined, faults: [`${file}: ${reading?.failure ?? 'is not there'}`] };
  const { text } = reading.value;
  try {
    return { text, key: createPrivateKey(text), faults: [] };
  } catch {
    // In the label of a PKCS #8 key, and in a header of older ones.
    const fault = text.includes('ENCRYPTED')
      ? 'is encrypted, and nobody is there to give the passphrase: write it with "openssl pkey" without one'
      : 'has no private key in PEM';
    return { text, key: undefined, faults: [`${file}: ${fault}`] };
  }
}

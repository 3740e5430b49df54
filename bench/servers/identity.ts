import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeAuthority } from '../../test/helpers/mqtt-certificates.ts';
import { makeFolder } from './broker-server.ts';

/** A server's certificate and its key, in files that go away together. */
export type Identity = {
  readonly certFile: string;
  readonly keyFile: string;
  readonly remove: () => Promise<void>;
};

export async function writeIdentity(): Promise<Identity> {
  const { folder, remove } = await makeFolder('identity');
  const { cert, key } = await (await makeAuthority()).issueServer('localhost', '127.0.0.1');
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  // Mosquitto, started by root, reads them as a user of its own.
  await chmod(folder, 0o755);
  await writeFile(certFile, cert);
  await writeFile(keyFile, key);
  return { certFile, keyFile, remove };
}

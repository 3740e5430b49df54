import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeAuthority } from '../helpers/mqtt-certificates.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { readTlsFiles } from '../../src/hub/tls/tls-files.ts';

describe('the files of the TLS listener', () => {
  const folder = mkdtempSync(join(tmpdir(), 'recado-tls-'));
  after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const write = (name: string, text: string): void => writeFileSync(path(name), text, { mode: 0o600 });

  before(async () => {
    const authority = await makeAuthority();
    const [server, other] = [await authority.issueServer('127.0.0.1'), await authority.issueServer('x')];
    write('ca.crt', `${authority.ca}\n`);
    write('hub.crt', `The hub\n${server.cert}\n${authority.ca}\n`);
    write('hub.key', server.key);
    write('other.key', other.key);
    write(
      'damaged.crt',
      `${server.cert}\n\n${authority.ca.replace(/\n[^-\n]{20}/, '\nAAAAAAAAAAAAAAAAAAAA')}`,
    );
    write('empty', '');
    const { privateKey } = generateKeyPairSync('ed25519');
    const secret = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
    write('encrypted.key', privateKey.export(secret).toString());
  });

  /** What is wrong with files, their folder left out. */
  async function faults(cert: string, key: string, ca?: string): Promise<string[]> {
    const { result } = await readTlsFiles({
      ...defaultConfig().mqtt.tls,
      certFile: path(cert),
      keyFile: path(key),
      caFile: ca === undefined ? '' : path(ca),
      clientCertificates: ca === undefined ? 'no' : 'required',
    });
    return result.ok ? [] : result.failure.map((fault) => fault.replaceAll(`${folder}/`, ''));
  }

  it('are good with a chain, its key, and an authority where one is needed', async () => {
    assert.deepEqual(await faults('hub.crt', 'hub.key'), []);
    assert.deepEqual(await faults('hub.crt', 'hub.key', 'ca.crt'), []);
  });

  it('are told when they are not there, all of them', async () => {
    assert.deepEqual(await faults('no.crt', 'no.key', 'no.ca'), [
      'no.crt: does not exist',
      'no.key: does not exist',
      'no.ca: does not exist',
    ]);
  });

  it('are told with the line of a certificate that cannot be read', async () => {
    const [fault, ...more] = await faults('damaged.crt', 'hub.key');
    assert.match(fault ?? '', /^damaged\.crt:\d+: this certificate cannot be read$/);
    assert.notEqual(fault, 'damaged.crt:1: this certificate cannot be read');
    assert.deepEqual(more, []);
  });

  it('are told when they hold something else', async () => {
    assert.deepEqual(await faults('hub.key', 'hub.crt', 'empty'), [
      'hub.key: has no certificate in PEM',
      'hub.crt: has no private key in PEM',
      'empty: has no certificate in PEM',
    ]);
  });

  it('are told when the key is another one, or encrypted', async () => {
    assert.deepEqual(await faults('hub.crt', 'other.key'), [
      `other.key: is not the key of the first certificate in hub.crt`,
    ]);
    assert.match((await faults('hub.crt', 'encrypted.key'))[0] ?? '', /^encrypted\.key: is encrypted, /);
  });
});

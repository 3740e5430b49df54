import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readFaultOf } from '../../base/file-fault.ts';
import { readFileUpTo } from '../../base/read-file.ts';
import { definedMembers } from '../../base/defined-members.ts';
import type { TlsOptions } from '../../mqtt/client/client-options.ts';
import type { TlsVersion } from './flag-table.ts';

/** No MQTT packet has more. */
const MAX_FLAG_FILE_BYTES = 268_435_455;

/** What the command line says about TLS. */
export type TlsFlags = {
  readonly cafile?: string;
  readonly capath?: string;
  readonly tlsUseOsCerts?: true;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: true;
  readonly ciphers?: string;
  readonly tlsVersion?: TlsVersion;
  readonly tlsAlpn?: string;
  readonly psk?: Buffer;
  readonly pskIdentity?: string;
};

/** Whether one of the flags asks for TLS, whatever the address says. */
export function wantsTls({ cafile, capath, tlsUseOsCerts, cert, psk }: TlsFlags): boolean {
  return [cafile, capath, tlsUseOsCerts, cert, psk].some((each) => each !== undefined);
}

/** The options that the flags say. Ends through `command.error` when they are wrong. */
export function readTlsFlags(flags: TlsFlags, command: Command): TlsOptions {
  const { cert, key, insecure, ciphers, tlsVersion, tlsAlpn, psk, pskIdentity } = flags;
  if ((cert === undefined) !== (key === undefined)) command.error('error: --cert and --key belong together');
  if ((psk === undefined) !== (pskIdentity === undefined))
    command.error('error: --psk and --psk-identity belong together');
  const ca = readAuthorities(flags, command);
  return {
    ...definedMembers({ ciphers, version: tlsVersion }),
    ...(ca.length > 0 && { ca }),
    ...(cert !== undefined && { cert: readFlagFile('--cert', cert, command) }),
    ...(key !== undefined && { key: readFlagFile('--key', key, command) }),
    ...(insecure === true && { checksHostName: false }),
    ...(tlsAlpn !== undefined && { protocols: [tlsAlpn] }),
    ...(psk !== undefined && pskIdentity !== undefined && { sharedKey: { identity: pskIdentity, key: psk } }),
  };
}

/** The bytes of a file that a flag names. */
export function readFlagFile(flag: string, file: string, command: Command): Buffer {
  const bytes = readFileUpTo(file, MAX_FLAG_FILE_BYTES);
  return bytes.ok ? bytes.value : command.error(`error: ${flag}: ${file} ${bytes.failure}`);
}

function readAuthorities({ cafile, capath, tlsUseOsCerts }: TlsFlags, command: Command): (string | Buffer)[] {
  return [
    ...(cafile === undefined ? [] : [readFlagFile('--cafile', cafile, command)]),
    ...(capath === undefined ? [] : readFolder(capath, command)),
    ...(tlsUseOsCerts === true ? process.getBuiltinModule('node:tls').getCACertificates('system') : []),
  ];
}

/** OpenSSL wants a folder with names that are hashes; here every file that holds a certificate counts, once. */
function readFolder(folder: string, command: Command): string[] {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const texts = files.map(({ name }) =>
      readFlagFile('--capath', join(folder, name), command).toString('latin1'),
    );
    return [...new Set(texts.filter((text) => text.includes('-----BEGIN CERTIFICATE-----')))];
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === 'ENOTDIR';
    return command.error(`error: --capath: ${folder} ${isFile ? 'is no folder' : readFaultOf(error)}`);
  }
}

import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ChildProgram } from '../../test/helpers/child-program.ts';
import { findFreePorts } from '../../test/helpers/hub-process.ts';
import { until } from '../../test/helpers/until.ts';
import { findProgram, makeFolder, startWithFile } from './broker-server.ts';

const run = promisify(execFile);

/**
 * What a developer takes today: `ssh -R`, over an SSH server that is started here and for nothing else.
 *
 * @param targetPort - what its port leads to
 * @throws {NotInstalledError} when OpenSSH is not there
 */
export async function startSshTunnel(
  targetPort: number,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const [sshd, ssh, keygen] = [
    findProgram('sshd', 'SSHD'),
    findProgram('ssh', 'SSH'),
    findProgram('ssh-keygen', 'SSH_KEYGEN'),
  ];
  const { folder, remove } = await makeFolder('ssh');
  for (const key of ['host', 'client'])
    await run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, key)]);
  await copyFile(path.join(folder, 'client.pub'), path.join(folder, 'authorized'));
  // Where it parts with its rights; Debian makes the folder when the service starts.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const { tcp: port, http: tunnelPort } = await findFreePorts();
  const server = await startWithFile('sshd', {
    core: [],
    port,
    settings: () => [
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/authorized`,
      `PidFile ${folder}/pid`,
      `ListenAddress 127.0.0.1:${port}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
    ],
    words: (file) => [sshd, '-f', file, '-D', '-e'],
  });
  const settings = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const options = settings.flatMap((setting) => ['-o', setting]);
  const forwarded = `127.0.0.1:${tunnelPort}:127.0.0.1:${targetPort}`;
  const to = `${os.userInfo().username}@127.0.0.1`;
  const client = new ChildProgram(
    [ssh, '-N', '-i', path.join(folder, 'client'), '-p', String(port), ...options, '-R', forwarded, to],
    { name: 'ssh -R' },
  );
  const url = `http://127.0.0.1:${tunnelPort}`;
  const stop = async (): Promise<void> => {
    await client.stop();
    await server.stop();
    await remove();
  };
  const answers = (): Promise<boolean> =>
    fetch(`${url}/small`).then(
      (answer) => answer.ok,
      () => false,
    );
  await until('the tunnel', answers, 10_000).catch(async (error: unknown) => {
    await stop();
    throw new Error(`ssh -R did not start: ${client.errorText}`, { cause: error });
  });
  return { url, stop };
}

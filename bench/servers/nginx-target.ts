import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findFreePorts } from '../../test/helpers/hub-process.ts';
import { findProgram, makeFolder, startWithFile } from './broker-server.ts';

/** A small answer as devices and their services give it. */
const SMALL = '{"device":"pump-1","temperature":21.5,"unit":"C"}';

/** A service outside of Node: `/small`, `/large` of so many bytes, and `PUT /taken`. */
export type NginxTarget = { readonly url: string; readonly stop: () => Promise<void> };

/** @throws {NotInstalledError} when nginx is not on PATH and `NGINX` does not name it */
export async function startNginxTarget(largeBytes: number): Promise<NginxTarget> {
  const nginx = findProgram('nginx', 'NGINX');
  const { tcp: port } = await findFreePorts();
  const { folder, remove } = await makeFolder('nginx-files');
  const large = path.join(folder, 'large');
  await writeFile(large, '');
  await truncate(large, largeBytes);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const { stop } = await startWithFile('nginx', {
    core: [],
    port,
    settings: () => [
      'daemon off; worker_processes 1; error_log stderr crit;',
      `pid ${folder}/pid;`,
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'events { worker_connections 1024; }',
      `http { access_log off; sendfile on; keepalive_requests 100000000; client_max_body_size 0; ${temporary.join(' ')}`,
      `server { listen 127.0.0.1:${port}; root ${folder}; dav_methods PUT; client_body_buffer_size 1m;`,
      `location = /small { default_type application/json; return 200 '${SMALL}'; } } }`,
    ],
    words: (file) => [nginx, '-c', file, '-e', 'stderr'],
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await stop();
      await remove();
    },
  };
}

import type { Config } from './config/config-schema.ts';
import { findMqttFileFaults } from './mqtt/mqtt-files.ts';
import { readTlsFiles } from './tls/tls-files.ts';

/** What is wrong in the files that a configuration names, each fault with its file and line: `acl.txt:3: …`. */
export async function findFileFaults({ mqtt, http, gateways: { socket } }: Config): Promise<string[]> {
  const listeners = [http.tls, ...(socket.enabled ? [socket.tls] : [])].filter(({ enabled }) => enabled);
  const [faults, ...readings] = await Promise.all([findMqttFileFaults(mqtt), ...listeners.map(readTlsFiles)]);
  return [...faults, ...readings.flatMap(({ result }) => (result.ok ? [] : result.failure))];
}

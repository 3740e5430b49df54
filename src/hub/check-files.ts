import { fail, succeed, type Result } from '../base/result.ts';
import type { Config } from './config/config-schema.ts';
import { checkMqttFiles } from './mqtt/mqtt-files.ts';
import { readTlsFiles } from './tls/tls-files.ts';

/**
 * Reads the files that a configuration names.
 *
 * @returns what is risky about them; or what is wrong, each fault with its file and line: `acl.txt:3: …`
 */
export async function checkFiles({
  mqtt,
  http,
  gateways: { socket },
}: Config): Promise<Result<readonly string[], readonly string[]>> {
  const listeners = [http.tls, ...(socket.enabled ? [socket.tls] : [])].filter(({ enabled }) => enabled);
  const [files, ...readings] = await Promise.all([checkMqttFiles(mqtt), ...listeners.map(readTlsFiles)]);
  const tlsFaults = readings.flatMap(({ result }) => (result.ok ? [] : result.failure));
  if (!files.ok || tlsFaults.length > 0) return fail([...(files.ok ? [] : files.failure), ...tlsFaults]);
  return succeed([
    ...files.value,
    ...readings.flatMap(({ result }) => (result.ok ? result.value.warnings : [])),
  ]);
}

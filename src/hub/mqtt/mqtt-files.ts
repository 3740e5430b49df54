import { fail, succeed, type Result } from '../../base/result.ts';
import type { AccessFiles } from '../../mqtt/access/load-access-rules.ts';
import { loadAccessRules } from '../../mqtt/access/load-access-rules.ts';
import type { Config } from '../config/config-schema.ts';
import { readTlsFiles } from '../tls/tls-files.ts';

/** The password file and the access rules that are configured. */
export function accessFiles({ passwordFile, aclFile, tls }: Config['mqtt']): AccessFiles {
  const named = { passwordFile: passwordFile || undefined, aclFile: aclFile || undefined };
  return { ...named, areNamesProven: passwordFile !== '' || usesCertificateNames(tls) };
}

/** Whether certificates say who a client is. */
export function usesCertificateNames(tls: Config['mqtt']['tls']): boolean {
  return tls.enabled && tls.certificateNames && tls.clientCertificates !== 'no';
}

/**
 * Reads the files that the section `mqtt` names, unless MQTT is off.
 *
 * @returns what is risky about them; or what is wrong, each fault with its file and line: `acl.txt:3: …`
 */
export async function checkMqttFiles(
  mqtt: Config['mqtt'],
): Promise<Result<readonly string[], readonly string[]>> {
  if (!mqtt.enabled) return succeed([]);
  const [access, tls] = await Promise.all([
    loadAccessRules(accessFiles(mqtt)),
    mqtt.tls.enabled ? readTlsFiles(mqtt.tls) : undefined,
  ]);
  const results = [access.result, ...(tls === undefined ? [] : [tls.result])];
  const faults = results.flatMap((result) => (result.ok ? [] : result.failure));
  if (faults.length > 0) return fail(faults);
  return succeed(results.flatMap((result) => (result.ok ? result.value.warnings : [])));
}

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
 * What is wrong in the files that the section `mqtt` names, each fault with its file and line: `acl.txt:3: …`. Empty
 * when all are good, and when MQTT is off.
 */
export async function findMqttFileFaults(mqtt: Config['mqtt']): Promise<string[]> {
  if (!mqtt.enabled) return [];
  const [access, tls] = await Promise.all([
    loadAccessRules(accessFiles(mqtt)),
    mqtt.tls.enabled ? readTlsFiles(mqtt.tls) : undefined,
  ]);
  return [
    ...(access.result.ok ? [] : access.result.failure),
    ...(tls?.result.ok === false ? tls.result.failure : []),
  ];
}

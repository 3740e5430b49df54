import { spawnSync } from 'node:child_process';

/** Debian's, which has its package of Paho; another one that comes first on the path has not. */
export const PYTHON = '/usr/bin/python3';

/** Why Paho cannot be used here; false when it can. Meant for `skip`. */
export function whyNoPaho(): string | false {
  const isThere = spawnSync(PYTHON, ['-c', 'import paho.mqtt.client']).status === 0;
  return !isThere && `${PYTHON} does not find paho.mqtt (Debian package python3-paho-mqtt)`;
}

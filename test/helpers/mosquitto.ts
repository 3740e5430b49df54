import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerProgram, missingPrograms } from './broker-program.ts';

/** Why tests with Mosquitto cannot run here; false when they can. Meant for `skip`. */
export function whyNoMosquitto(): string | false {
  const missing = missingPrograms('mosquitto', 'mosquitto_pub', 'mosquitto_sub', 'mosquitto_passwd');
  if (missing.length === 0) return false;
  return `${missing.join(', ')} not installed (Debian packages mosquitto and mosquitto-clients)`;
}

type MosquittoOptions = {
  /** Lines of its configuration; without any it lets everybody do everything. */
  readonly settings?: readonly string[];
  /** More files in its folder, by name: `%FOLDER%` in a setting is that folder. */
  readonly files?: Readonly<Record<string, string>>;
};

/** A Mosquitto of its own. */
export class Mosquitto extends BrokerProgram {
  protected override readonly flags = ['-v'];
  readonly #settings: readonly string[];

  constructor({ settings = ['allow_anonymous true'], files = {} }: MosquittoOptions = {}) {
    super('mosquitto');
    this.#settings = settings;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }

  protected configurationOf(port: number): string {
    const lines = [`listener ${port} 127.0.0.1`, 'user root', ...this.#settings];
    return `${lines.join('\n').replaceAll('%FOLDER%', this.folder)}\n`;
  }
}

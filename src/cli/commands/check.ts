import { Command } from 'commander';
import type { Config } from '../../hub/config/config-schema.ts';

const EXAMPLES = `
Examples:
  recado check                      recado.yaml, and the environment
  recado check house.yaml           and the files that it names: users, access rules, certificates
  recado check house.yaml --print   all keys as the hub would use them, secrets masked
  recado check gateway.yaml         fixed routes, of recado gateway or recado agent --config`;

/** `recado check`: what is wrong with a configuration and where, or that it is good. */
export function checkCommand(): Command {
  return new Command('check')
    .description('check a configuration: what is wrong, and where')
    .argument('[file]', 'configuration file (default: RECADO_CONFIG, else recado.yaml if it exists)')
    .option('--print', 'print the configuration that results, with secrets masked')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', EXAMPLES)
    .action(runCheck);
}

async function runCheck(file: string | undefined, options: { print?: boolean }): Promise<void> {
  if (file !== undefined && (await checkRoutesFile(file, options))) return;
  const { loadConfig } = await import('../../hub/config/load-config.ts');
  const reading = loadConfig({ environment: process.env, folder: process.cwd(), file });
  if (!reading.ok) {
    const { formatMistake } = await import('../../hub/config/setting.ts');
    fail(reading.mistakes.map(formatMistake));
    return;
  }
  const { findOpenListeners } = await import('../../hub/config/safety-check.ts');
  const open = findOpenListeners(reading.config).map(({ path, message }) => {
    const where = reading.places.get(path) ?? path;
    return where.endsWith(path) ? `${where}: ${message}` : `${where}: ${path} ${message}`;
  });
  const { findMqttFileFaults } = await import('../../hub/mqtt/mqtt-files.ts');
  const wrong = [
    ...(reading.config.insecure ? [] : open),
    ...(await findMqttFileFaults(reading.config.mqtt)),
  ];
  if (wrong.length > 0) {
    fail(wrong);
    return;
  }
  const warnings = open.map((sentence) => `Careful, insecure is set: ${sentence}.`);
  const result =
    reading.file === undefined
      ? 'There is no file; the defaults and the environment are good.'
      : `${reading.file} is good.`;
  await printGood([...warnings, result], options.print === true ? reading.config : undefined);
}

/** @returns false when the file is not one with fixed routes */
async function checkRoutesFile(file: string, { print = false }: { print?: boolean }): Promise<boolean> {
  const { checkFixedRoutes } = await import('../fixed-routes/check-fixed-routes.ts');
  const outcome = checkFixedRoutes(file, { folder: process.cwd(), environment: process.env, print });
  if (outcome === undefined) return false;
  if (outcome.ok) process.stdout.write(`${outcome.lines.join('\n')}\n`);
  else fail(outcome.lines);
  return true;
}

function fail(lines: readonly string[]): void {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exitCode = 2;
}

async function printGood(lines: readonly string[], config: Config | undefined): Promise<void> {
  if (config === undefined) {
    process.stdout.write(`${lines.join('\n')}\n`);
    return;
  }
  const [{ stringify }, { maskSecrets }] = await Promise.all([
    import('yaml'),
    import('../../hub/config/mask-secrets.ts'),
  ]);
  process.stdout.write(`${lines.map((line) => `# ${line}`).join('\n')}\n${stringify(maskSecrets(config))}`);
}

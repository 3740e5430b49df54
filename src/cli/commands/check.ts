import { Command } from 'commander';
import { escapeControls } from '../../base/printable-text.ts';

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

async function runCheck(file: string | undefined, { print = false }: { print?: boolean }): Promise<void> {
  const { checkConfig } = await import('../check-config.ts');
  const checked = await checkConfig({ environment: process.env, folder: process.cwd(), file });
  if (!checked.ok) {
    process.stderr.write(escapeControls(`${checked.failure.join('\n')}\n`));
    process.exitCode = 2;
    return;
  }
  const { remarks, yaml } = checked.value;
  const text = print
    ? `${remarks.map((line) => `# ${line}`).join('\n')}\n${yaml}`
    : `${remarks.join('\n')}\n`;
  process.stdout.write(escapeControls(text));
}

import { Command } from 'commander';

/** `recado config-docs`: prints docs/config.md. For those who change Recado, so help does not list it. */
export function configDocsCommand(): Command {
  return new Command('config-docs')
    .description('print docs/config.md, made from the schema of the configuration')
    .helpOption('-h, --help', 'print help')
    .action(async () => {
      const { configPage } = await import('../../hub/config/config-page.ts');
      process.stdout.write(configPage());
    });
}

import { Command } from 'commander';

/** `recado config-docs`: prints docs/config.md. For those who change Recado, so help does not list it. */
export function configDocsCommand(): Command {
  return new Command('config-docs')
    .description('print docs/config.md, made from the schema of the configuration')
    .helpOption('-h, --help', 'print help')
    .action(async () => {
      const { configDocs } = await import('../../hub/config/config-docs.ts');
      process.stdout.write(configDocs());
    });
}

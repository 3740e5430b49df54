import { Command } from 'commander';
import { printLine } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';
import { findDataFolder, type DataFolderFlags } from '../find-data-folder.ts';

const HELP = `
Reads every byte of every database, and changes nothing; the hub may run meanwhile.
Exit code 1 says that something is damaged, or that there is nothing.

Example:
  recado doctor --data-dir /var/lib/recado`;

/** `recado doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look whether what the hub keeps is whole, and how large it is')
    .option('-c, --config <file>', 'configuration of the hub (default: RECADO_CONFIG, else recado.yaml)')
    .option('--data-dir <folder>', 'its data folder (default: ./recado-data)')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', HELP)
    .action(examine);
}

async function examine(flags: DataFolderFlags): Promise<void> {
  const { examineFolder } = await import('../../store/examine-folder.ts');
  const { databases, copies, setAside } = examineFolder(await findDataFolder(flags));
  const rows = databases.map(({ name, bytes, logBytes, fault, grain = '' }) => [
    name,
    `${bytes}`,
    `${logBytes}`,
    fault ?? 'whole',
    grain,
  ]);
  printTable(['FILE', 'BYTES', 'LOG BYTES', 'STATE', 'HISTORY'], rows);
  for (const copy of copies)
    printLine(`${copy} is a copy of what was there before; delete it when you need it no more`);
  for (const name of setAside)
    printLine(
      `${name} was damaged, and history goes on without it; \`sqlite3 ${name} .recover\` may read some of it, until the hub lets it go with other old history`,
    );
  if (databases.every(({ fault }) => fault === undefined)) return;
  printLine(
    'stop the hub and bring a backup back with `recado restore FILE`; what is there is kept beside it',
  );
  process.exitCode = 1;
}

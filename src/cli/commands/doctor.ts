import { Command } from 'commander';
import { printLine } from '../devices/hub-flags.ts';
import { printTable } from '../devices/table.ts';
import { findDataFolder, type DataFolderFlags } from '../find-data-folder.ts';

const HELP = `
Reads every byte of every database, and changes nothing. The hub may run meanwhile, and says how its stores are.
Exit code 1 says that something is damaged or cannot be read or stored, or that there is nothing.

Example:
  recado doctor --data-dir /var/lib/recado`;

const BRING_BACK =
  'stop the hub and bring a backup back with `recado restore FILE`; what is there is kept beside it';

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
  const [{ examineFolder }, { askStores }, { remedyFor }] = await Promise.all([
    import('../../store/examine-folder.ts'),
    import('../../api/local-hub.ts'),
    import('../../store/store-state.ts'),
  ]);
  const folder = await findDataFolder(flags);
  const { databases, copies, setAside } = examineFolder(folder);
  const rows = databases.map(({ name, bytes, logBytes, fault, grain = '' }) => [
    name,
    `${bytes}`,
    `${logBytes}`,
    fault === undefined ? 'whole' : `${fault.state}: ${fault.message}`,
    grain,
  ]);
  printTable(['FILE', 'BYTES', 'LOG BYTES', 'STATE', 'HISTORY'], rows);
  for (const copy of copies)
    printLine(`${copy} is a copy of what was there before; delete it when you need it no more`);
  for (const name of setAside)
    printLine(
      `${name} was damaged, and history goes on without it; \`sqlite3 ${name} .recover\` may read some of it, until the hub lets it go with other old history`,
    );
  for (const { name, whyOnlyRead } of databases)
    if (whyOnlyRead !== undefined) printLine(`${name} can only be read: ${whyOnlyRead}`);
  const unready = (await askStores(folder)) ?? [];
  for (const { name, state, advice } of unready)
    printLine(`the hub that runs cannot store ${name} (${state}): ${advice}`);
  const faults = new Set(databases.flatMap(({ fault }) => fault?.state ?? []));
  if (faults.has('damaged')) printLine(BRING_BACK);
  // A hub that runs knows more of it.
  else if (unready.length === 0) for (const state of faults) printLine(remedyFor(state));
  if (faults.size + unready.length > 0) process.exitCode = 1;
}

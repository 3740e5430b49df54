import { Command } from 'commander';
import { printLine, refuseEmptyNames } from '../devices/hub-flags.ts';
import { findDataFolder, type DataFolderFlags } from '../find-data-folder.ts';

const BACKUP_HELP = `
The hub may run meanwhile: each database is copied as it was at one moment.

Examples:
  recado backup recado.backup
  recado backup /mnt/backups/recado-$(date +%F) --data-dir /var/lib/recado`;

const RESTORE_HELP = `
The hub must not run. What was in its data folder goes to a folder before-restore-… in it, and nothing is deleted.

Example:
  recado restore recado.backup`;

/** `recado backup`. */
export function backupCommand(): Command {
  return folderCommand('backup', 'copy all that the hub keeps into one file')
    .argument('<file>', 'the file to make; it must not be there yet')
    .addHelpText('after', BACKUP_HELP)
    .action(async (file: string, flags: DataFolderFlags, command: Command) => {
      refuseEmptyNames([file], command);
      const { makeBackup } = await import('../../store/backup.ts');
      const names = makeBackup(await findDataFolder(flags), file);
      printLine(`${file} has ${names.join(', ')}`);
    });
}

/** `recado restore`. */
export function restoreCommand(): Command {
  return folderCommand('restore', 'bring a backup back')
    .argument('<file>', 'what recado backup made')
    .addHelpText('after', RESTORE_HELP)
    .action(async (file: string, flags: DataFolderFlags, command: Command) => {
      refuseEmptyNames([file], command);
      const { restoreBackup } = await import('../../store/backup.ts');
      const folder = await findDataFolder(flags);
      const { names, former } = restoreBackup(file, folder);
      printLine(`${folder} has ${names.join(', ')} of ${file}`);
      if (former !== undefined) printLine(`what it had is in ${former}`);
    });
}

function folderCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('-c, --config <file>', 'configuration of the hub (default: RECADO_CONFIG, else recado.yaml)')
    .option('--data-dir <folder>', 'its data folder (default: ./recado-data)')
    .helpOption('-h, --help', 'print help');
}

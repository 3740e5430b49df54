import { Command, Option } from 'commander';
import type { DataFolderFlags } from '../find-data-folder.ts';
import { ROLES, VERBS, type AssignableRole, type Scope, type Verb } from '../../accounts/permissions.ts';

/** Where the accounts are. */
export type FolderFlags = DataFolderFlags & { readonly json?: true };

/** What an account may. */
export type RightsFlags = FolderFlags & {
  readonly role?: readonly AssignableRole[];
  readonly verb?: readonly Verb[];
  readonly device?: readonly string[];
  readonly service?: readonly string[];
};

/** A command that asks the hub of this machine, or opens its data folder. */
export function accountCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('-c, --config <file>', 'configuration of the hub (default: RECADO_CONFIG, else recado.yaml)')
    .option('--data-dir <folder>', 'its data folder (default: ./recado-data)')
    .option('--json', 'print JSON')
    .helpOption('-h, --help', 'print help');
}

/** The same for what gives rights. */
export function rightsCommand(name: string, description: string): Command {
  return accountCommand(name, description)
    .addOption(new Option('--role <role...>', 'what it may').choices([...ROLES]))
    .option('--device <id...>', 'only with these devices; * is any characters')
    .option('--service <name...>', 'only with these services')
    .addOption(new Option('--verb <verb...>', 'only this of what its roles permit').choices([...VERBS]));
}

/** The flags as the API has them: at most one scope; scopes that differ are for the API itself. */
export function readRights({ role, verb: verbs, device: devices, service: services }: RightsFlags): {
  readonly roles?: readonly AssignableRole[];
  readonly scopes?: readonly Scope[];
} {
  const scope = {
    ...(verbs !== undefined && { verbs }),
    ...(devices !== undefined && { devices }),
    ...(services !== undefined && { services }),
  };
  const scopes = Object.keys(scope).length > 0 ? [scope] : undefined;
  return { ...(role !== undefined && { roles: role }), ...(scopes !== undefined && { scopes }) };
}

/** `operator; read, command of pump-*` */
export function describeRights(roles: readonly string[], scopes: readonly Scope[]): string {
  const parts = scopes.map(({ verbs = [], devices = [], services = [] }) =>
    [verbs.join(', '), [...devices, ...services].join(', ')].filter((text) => text !== '').join(' of '),
  );
  return [roles.join(', '), ...parts].join('; ');
}

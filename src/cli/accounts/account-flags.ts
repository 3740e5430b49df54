import { Command, InvalidArgumentError, Option } from 'commander';
import type { DataFolderFlags } from '../find-data-folder.ts';
import { ROLES, type AssignableRole, type Scope } from '../../accounts/permissions.ts';
import { formatScope, parseScope } from '../../accounts/scope-text.ts';

/** Where the accounts are. */
export type FolderFlags = DataFolderFlags & { readonly json?: true };

/** What an account may. */
export type RightsFlags = FolderFlags & {
  readonly role?: readonly AssignableRole[];
  readonly scope?: readonly Scope[];
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
    .option('--scope <scope>', `only this part of it, as ${EXAMPLE}; again for another part`, addScope);
}

const EXAMPLE = '"read,command device:pump-* tag:hall service:billing topic:house/#"';

function addScope(text: string, before: readonly Scope[] = []): readonly Scope[] {
  const parsed = parseScope(text);
  if (!parsed.ok) throw new InvalidArgumentError(`${parsed.failure}. Write it as ${EXAMPLE}.`);
  return [...before, parsed.value];
}

/** The flags as the API has them. */
export function readRights({ role, scope }: RightsFlags): {
  readonly roles?: readonly AssignableRole[];
  readonly scopes?: readonly Scope[];
} {
  return { ...(role !== undefined && { roles: role }), ...(scope !== undefined && { scopes: scope }) };
}

/** `operator; read,command device:pump-*` */
export function describeRights(roles: readonly string[], scopes: readonly Scope[]): string {
  return [roles.join(', '), ...scopes.map(formatScope)].join('; ');
}

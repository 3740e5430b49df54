import { definedMembers } from '../../base/defined-members.ts';
import type { Command } from 'commander';
import { readTarget, type BrokerTarget } from './connection-flags.ts';

/** How a gateway or an agent connects, as the command line gives it. */
export type BrokerFlags = {
  readonly broker?: string;
  readonly username?: string;
  readonly pw?: string;
  readonly cafile?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: true;
};

/** The broker of `--broker`, else that of the configuration. Ends through `command.error` when the flags are wrong. */
export function readBrokerTarget(flags: BrokerFlags, configured: string, command: Command): BrokerTarget {
  const { broker: url = configured, username, pw, cafile, cert, key, insecure } = flags;
  const given = definedMembers({ username, pw, cafile, cert, key, insecure });
  return readTarget({ ...given, url, urlFlag: '--broker' }, command);
}

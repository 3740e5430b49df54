import { definedMembers } from '../../base/defined-members.ts';
import type { Command } from 'commander';
import { readTarget, type BrokerTarget } from './connection-flags.ts';
import { PASSWORD_SAYS } from './flag-table.ts';

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

/** Adds the flags that say as whom a gateway or an agent comes to its broker. */
export function addBrokerLogin(command: Command, program: 'gateway' | 'agent'): Command {
  return command
    .option('-u, --username <name>', 'user name')
    .option('-P, --pw <password>', PASSWORD_SAYS)
    .option('--cafile <file>', 'trust these certificates (PEM)')
    .option('--cert <file>', `certificate of this ${program} (PEM)`)
    .option('--key <file>', 'its private key (PEM)')
    .option('--insecure', 'with TLS: take a certificate that is for another host');
}

/** The broker of `--broker`, else that of the configuration. Ends through `command.error` when the flags are wrong. */
export function readBrokerTarget(flags: BrokerFlags, configured: string, command: Command): BrokerTarget {
  const { broker: url = configured, username, pw, cafile, cert, key, insecure } = flags;
  const given = definedMembers({ username, pw, cafile, cert, key, insecure });
  return readTarget({ ...given, url, urlFlag: '--broker' }, command);
}

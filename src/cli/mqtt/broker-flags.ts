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
  const { broker, username, pw, cafile, cert, key, insecure } = flags;
  return readTarget(
    {
      url: broker ?? configured,
      urlFlag: '--broker',
      ...(username !== undefined && { username }),
      ...(pw !== undefined && { pw }),
      ...(cafile !== undefined && { cafile }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(insecure !== undefined && { insecure }),
    },
    command,
  );
}

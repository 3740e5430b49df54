import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { isServiceName } from '../../services/wire/service-topics.ts';
import { readBrokerTarget, type BrokerFlags } from '../mqtt/broker-flags.ts';
import type { BrokerTarget } from '../mqtt/connection-flags.ts';

/** What `recado agent --service` may be told. */
export type ServiceAgentFlags = BrokerFlags & {
  readonly service?: readonly string[];
  readonly allow?: readonly string[];
  readonly health?: string;
  readonly maxInFlight?: number;
  readonly maxRequestBytes?: number;
  readonly timeout?: number;
  readonly topicPrefix?: string;
  readonly id?: string;
  readonly description?: string;
  readonly logLevel?: string;
};

/** A service, and where it is. */
export type NamedTarget = { readonly name: string; readonly url: string };

const DEFAULT_BROKER = 'mqtt://127.0.0.1:1883';
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** Ends through `command.error` when one is wrong, or two are the same. */
export function readServices({ service = [] }: ServiceAgentFlags, command: Command): readonly NamedTarget[] {
  const targets = service.map((text) => {
    const equals = text.indexOf('=');
    const [name, url] = [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)];
    if (!isServiceName(name))
      command.error(`error: --service "${text}": write NAME=URL, as billing=http://localhost:8080`);
    return { name, url };
  });
  const names = targets.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) command.error(`error: --service ${twice} is given twice`);
  return targets;
}

/** The broker of `--broker`, else of `RECADO_BROKER`, else the one on this machine. */
export function readBroker(flags: ServiceAgentFlags, command: Command): BrokerTarget {
  const { RECADO_BROKER: told = '' } = process.env;
  return readBrokerTarget(flags, told === '' ? DEFAULT_BROKER : told, command);
}

export function readLogLevel({ logLevel = 'info' }: ServiceAgentFlags, command: Command): LogLevel {
  const level = LOG_LEVELS.find((known) => known === logLevel);
  return level ?? command.error(`error: --log-level must be one of ${LOG_LEVELS.join(', ')}`);
}

/** Known again after a restart only where the person says so: two agents of one name drive each other out. */
export function readAgentId({ id }: ServiceAgentFlags, command: Command): string {
  if (id === undefined) {
    const host = hostname()
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '');
    return `${host.slice(0, 40) || 'agent'}-${randomBytes(4).toString('hex')}`;
  }
  if (!isServiceName(id))
    command.error('error: --id has 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first');
  return id;
}

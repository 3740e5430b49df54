import type { Registry } from 'prom-client';
import type { Accounts } from '../accounts/accounts.ts';
import { addCounter, addGauge, type Sample } from './read-metric.ts';

/** How many accounts there are, who tries to come in by them, and what the audit has and has lost. */
export function registerAccountMetrics(
  registry: Registry,
  { users, tokens, signIns, audit }: Accounts,
): void {
  addGauge(registry, {
    name: 'recado_accounts_users',
    help: 'People who may sign in',
    read: () => users.size,
  });
  addGauge(registry, {
    name: 'recado_accounts_tokens',
    help: 'Tokens that open something: not those that have expired',
    read: () => tokens.liveCount,
  });
  addGauge(registry, {
    name: 'recado_accounts_signed_in',
    help: 'Sign-ins that last',
    read: () => signIns.size,
  });
  addCounter(registry, {
    name: 'recado_accounts_passwords_tried',
    help: 'Passwords that were tried over HTTP and MQTT, by what became of it',
    labels: ['result'],
    read: () => Object.entries(users.tries).map(([result, value]): Sample => [{ result }, value]),
  });
  addCounter(registry, {
    name: 'recado_audit_entries_written',
    help: 'Entries of the audit that were written',
    read: () => audit.counters.entries,
  });
  addCounter(registry, {
    name: 'recado_audit_entries_lost',
    help: 'Entries of the audit that were left out because there were too many, or could not be written',
    read: () => audit.counters.lost,
  });
}

import type { Clock } from '../../base/clock.ts';
import { LogBudget, shown } from '../../base/log-budget.ts';
import type { Logger } from '../../base/logger.ts';
import { addressParty } from '../../base/networks.ts';
import type { ClientInfo } from '../broker/hooks.ts';
import { NO_RULE, type AclRules, type WrittenRule } from './acl-file.ts';

/** What the rules of one file denied, for those who look for the rule: a line of the log each, and a count by rule. */
export class Denials {
  readonly #file: string;
  readonly #logBudget: LogBudget;
  readonly #counts = new Map<string, number>();

  constructor(file: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#file = file;
    this.#logBudget = new LogBudget(clock, log);
  }

  /** By the name of the rule. Those that denied nothing are not in it. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  note(
    act: 'publish' | 'subscribe' | 'receive',
    { clientId, userName, peer: { address } }: ClientInfo,
    topic: string,
    { line, name }: WrittenRule,
  ): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const why = line === 0 ? `no rule of ${this.#file} permits it` : `${this.#file}:${line}: ${shown(name)}`;
    const who = { clientId: shown(clientId), userName: userName && shown(userName), address };
    const fields = { act, topic: shown(topic), ...who };
    this.#logBudget.write(
      'denials of access rules',
      fields,
      `${act} denied, ${why}`,
      userName ?? addressParty(address),
    );
  }

  /** Other rules are in force: counts of rules that are gone go too. */
  keepThoseOf({ anonymous, users, patterns }: AclRules): void {
    const denials = [anonymous, ...users.values()].flatMap(({ deny }) => deny);
    const names = new Set(
      [NO_RULE, ...[...denials, ...patterns].map(({ rule }) => rule)].map(({ name }) => name),
    );
    for (const name of this.#counts.keys()) if (!names.has(name)) this.#counts.delete(name);
  }

  /** Says what was withheld until now. */
  close(): void {
    this.#logBudget.close();
  }
}

import { shown, type LogBudget } from '../../base/log-budget.ts';
import { addressParty } from '../../base/networks.ts';
import type { DenialCount } from '../topics/receive-verdicts.ts';
import type { ClientInfo, DenyingRule } from './hooks.ts';

/** Rules that are counted apart: each is a label of the metrics, and names of files that change would pile up. */
const MAX_COUNTED_RULES = 1000;
const OTHER_RULES = 'other rules';

type Denial = {
  readonly act: 'connect' | 'publish' | 'subscribe' | 'receive';
  /** A Topic Name or Topic Filter; of a CONNECT nothing. */
  readonly topic?: string;
  /** The name of the hook. */
  readonly hook: string;
  /** Undefined where the hook names none. */
  readonly rule: DenyingRule | undefined;
};

/** What hooks denied, for those who look for the rule: a line of the log each, and a count by rule. */
export class Denials {
  readonly #logBudget: LogBudget;
  readonly #counts = new Map<string, DenialCount>();

  constructor(logBudget: LogBudget) {
    this.#logBudget = logBudget;
  }

  /** By the name of the rule, or of a hook that names none. Those that denied nothing are not in it. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#counts].map(([name, { count }]) => [name, count]));
  }

  /** Tells one denial and counts it. */
  note(client: ClientInfo, denial: Denial): void {
    this.tell(client, denial).count++;
  }

  /** Tells a denial that holds for messages to come; each of them is one more in the count that is returned. */
  tell(
    { clientId, userName, peer: { address } }: ClientInfo,
    { act, topic, hook, rule = { name: hook, text: `by ${hook}` } }: Denial,
  ): DenialCount {
    const who = { clientId: shown(clientId), userName: userName && shown(userName), address };
    const fields = { act, topic: topic && shown(topic), ...who };
    const text = `${act} denied, ${rule.text}`;
    this.#logBudget.write('denials of access rules', fields, text, userName ?? addressParty(address));
    return this.#countOf(rule.name);
  }

  #countOf(name: string): DenialCount {
    const known = this.#counts.get(name);
    if (known !== undefined) return known;
    if (this.#counts.size >= MAX_COUNTED_RULES && name !== OTHER_RULES) return this.#countOf(OTHER_RULES);
    const made = { count: 0 };
    this.#counts.set(name, made);
    return made;
  }
}

import { shown } from '../../base/log-budget.ts';
import type { DenyingRule } from '../broker/hooks.ts';

/** A rule as people find it in the file. */
export type WrittenRule = {
  /** Of the file; 0 for none. */
  readonly line: number;
  /** `user ann: topic deny house/safe/#`: the same wherever the line stands. */
  readonly name: string;
};

/** What denies where no rule permits. */
export const NO_RULE: WrittenRule = Object.freeze({ line: 0, name: 'no rule' });

/** The verdict where nothing denies: an object as the rules that deny are, so that telling them apart is one step. */
export const PERMITTED: WrittenRule = Object.freeze({ line: 0, name: 'permitted' });

/** For the broker, which counts and tells what is denied. */
export function denyingRule({ line, name }: WrittenRule, file: string): DenyingRule {
  return { name, text: line === 0 ? `no rule of ${file} permits it` : `${file}:${line}: ${shown(name)}` };
}

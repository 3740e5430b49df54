import type { Clock } from '../../base/clock.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Alarms } from '../../base/alarms.ts';
import type { Correlation } from './pending-request.ts';
import type { RequestIds } from './request-ids.ts';
import type { RequesterCounters, RequesterSettings } from '../requester-options.ts';

/** What the correlations of one requester have in common. */
export type CorrelationParts = {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly ids: RequestIds;
  /** As whom the broker knows this side: a level of answer topics, so that its rules can keep others from them. */
  readonly owner: string;
  /** Unguessable; another level of them. */
  readonly requesterId: string;
  readonly settings: RequesterSettings;
  readonly counters: RequesterCounters;
};

/** A correlation with a subscription of its own. */
export type TopicCorrelation = Correlation & {
  /** Nothing would be lost if it were made anew. */
  readonly isIdle: boolean;
};

import type { Alarms } from '../../base/alarms.ts';
import type { Clock } from '../../base/clock.ts';
import type { Ledger } from '../../base/ledger.ts';
import type { LogBudget } from '../../base/log-budget.ts';
import type { Bus } from '../../bus/bus.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { TopicDeviceCounters } from './counters.ts';
import type { StateTopics } from './state-topics.ts';

/** What all devices of the gateway work with. */
export type HomeAssistantContext = {
  /** Stands in the `gateway` member of its devices. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  readonly counters: TopicDeviceCounters;
  readonly bus: Bus;
  readonly topics: StateTopics;
  readonly clock: Clock;
  readonly alarms: Alarms;
  /** For what devices can have written as often as they want. */
  readonly logBudget: LogBudget;
};

import type { Clock } from '../../base/clock.ts';
import type { Ledger } from '../../base/ledger.ts';
import type { LogBudget } from '../../base/log-budget.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { BrokerClients } from '../device-broker.ts';
import type { MqttGatewayCounters } from './counters.ts';
import type { MqttGatewayOptions } from './options.ts';

/** What all devices of the gateway work with. */
export type MqttGatewayContext = {
  readonly options: MqttGatewayOptions;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  readonly counters: MqttGatewayCounters;
  readonly clients: BrokerClients | undefined;
  readonly clock: Clock;
  /** For what devices can have written as often as they want. */
  readonly logBudget: LogBudget;
};

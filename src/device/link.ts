import type { MetricValue } from '../devices/reading.ts';
import type { StateChange } from './state.ts';

/** Readings, or an event, on their way to the hub. */
export type Report = {
  /** Undefined: the device has nothing to report, for the reason in `unavailable`. */
  readonly readings: Readonly<Record<string, MetricValue>> | undefined;
  readonly unavailable: string;
  /** Something that happened, instead of readings; `data` is JSON, undefined for none. */
  readonly event?: { readonly name: string; readonly data: string | undefined };
  /** When they were read, or it happened, as RFC 3339; undefined: now, by the hub's clock. */
  readonly at: string | undefined;
  /** It was kept while the hub could not be reached. */
  readonly isLate: boolean;
};

/** What became of a report: `queued` ones are sent when the hub can take them again. */
export type ReportStatus = 'sent' | 'queued' | 'dropped';

/** The way to the hub in one version of the protocol. */
export type Link = {
  /** Connects, and reconnects, until `signal` is aborted; resolves once everything is closed. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Sends a report if it can; `queued` asks the caller to keep it. */
  report(report: Report): ReportStatus;
};

/** What a link tells the device that it belongs to. */
export type LinkListener = {
  onState(change: StateChange): void;
  /** The hub has accepted the device under this id. */
  onAccepted(id: string): void;
};

import { createHmac, type KeyObject } from 'node:crypto';
import type { MetricValue } from '../devices/reading.ts';

type SignedReport = {
  readonly id: string;
  /** 1 for the first datagram of the session, and one more for each. */
  readonly seq: number;
  readonly telemetry: Readonly<Record<string, MetricValue>>;
  /** RFC 3339. */
  readonly at: string;
};

/**
 * Writes a report as a datagram that only the holder of the session's key can make: one JSON object whose last
 * member, `mac`, is the HMAC-SHA-256 of all bytes before `,"mac":`.
 */
export function writeSignedDatagram({ telemetry, at, id, seq }: SignedReport, key: KeyObject): Buffer {
  const body = JSON.stringify({ telemetry, at, id, seq }).slice(0, -1);
  const mac = createHmac('sha256', key).update(body).digest('base64url');
  return Buffer.from(`${body},"mac":"${mac}"}`);
}

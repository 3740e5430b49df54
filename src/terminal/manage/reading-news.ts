import type { DeviceTelemetry, HubEvent } from '../../client/index.ts';

/** The readings of a device after an event at it. */
export function withEvent(telemetry: DeviceTelemetry, event: HubEvent): DeviceTelemetry {
  if (event.type === 'unavailable') {
    const { reason, time } = event;
    return { ...telemetry, unavailable: { reason, time } };
  }
  if (event.type !== 'reading') return telemetry;
  const { metric, value, unit, time } = event;
  const reading = { metric, value, unit, time };
  const isKnown = telemetry.readings.some((each) => each.metric === metric);
  const readings = telemetry.readings.map((each) => (each.metric === metric ? reading : each));
  return { ...telemetry, unavailable: null, readings: isKnown ? readings : [...readings, reading] };
}

/** What the hub answered, but for what came while it did. */
export function withNewer(asked: DeviceTelemetry, known: DeviceTelemetry | undefined): DeviceTelemetry {
  const readings = asked.readings.map((reading) => {
    const other = known?.readings.find(({ metric }) => metric === reading.metric);
    return other !== undefined && other.time > reading.time ? other : reading;
  });
  return { ...asked, readings };
}

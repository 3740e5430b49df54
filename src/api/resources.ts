import { definedMembers } from '../base/defined-members.ts';
import type { Command } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';
import type { InvocationRecord } from '../devices/invocation-record.ts';
import type { Invocation } from '../devices/invocation.ts';
import type { InvocationSnapshot } from '../devices/invocation-snapshot.ts';
import type { ServiceEntry } from '../services/hub/service-directory.ts';
import type {
  CommandResource,
  DeviceDetailResource,
  DeviceResource,
  InvocationResource,
  ReadingResource,
  TelemetryResource,
} from './schemas.ts';
import type { ServiceResource } from './service-schemas.ts';

/** `000Z` to `999Z`. */
const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);
let shownSecond = Number.NaN;
let shownPrefix = '';

/** RFC 3339 in UTC, with milliseconds. */
export function showTime(wallMs: number): string {
  // Every answer shows some times, nearly always of this second: only its milliseconds differ.
  const second = Math.floor(wallMs / 1000);
  if (second !== shownSecond) {
    shownPrefix = new Date(second * 1000).toISOString().slice(0, 20);
    shownSecond = second;
  }
  return shownPrefix + MILLISECONDS[Math.floor(wallMs) - second * 1000];
}

export function showDevice(device: Device): DeviceResource {
  const { presence } = device;
  return {
    deviceId: device.id,
    title: device.title ?? null,
    tags: [...device.given.tags],
    model: device.model ?? null,
    gateway: device.gateway,
    presence: {
      status: presence.status,
      sequence: presence.sequence,
      reason: presence.reason,
      since: showTime(presence.since),
      lastSeen: showTime(device.lastSeen),
    },
    commandCount: device.commandCount,
  };
}

export function showDeviceDetail(device: Device): DeviceDetailResource {
  const { title = null, telemetry, events = [], discovered } = device.description;
  const description = { title, version: device.version, since: showTime(device.describedAt) };
  return {
    ...showDevice(device),
    telemetry: [...telemetry],
    events: [...events],
    description,
    ...(discovered !== undefined && {
      discovered: { origins: [...discovered.origins], notUnderstood: [...discovered.notUnderstood] },
    }),
  };
}

export function showCommand(command: Command): CommandResource {
  return {
    name: command.name,
    number: command.number,
    title: command.title,
    kind: command.kind,
    input: command.input ?? null,
    output: command.output ?? null,
    idempotent: command.idempotent,
    concurrency: command.concurrency,
    expectedMs: command.expectedMs ?? null,
  };
}

export function showInvocation(invocation: Invocation | InvocationRecord): InvocationResource {
  const phases: InvocationResource['phases'] = { accepted: showTime(invocation.acceptedAt) };
  if (invocation.sentAt > 0) phases.sent = showTime(invocation.sentAt);
  if (invocation.deliveredAt > 0) phases.delivered = showTime(invocation.deliveredAt);
  if (invocation.answeredAt > 0) phases.answered = showTime(invocation.answeredAt);
  return {
    id: invocation.id,
    deviceId: invocation.deviceId,
    command: invocation.command.name,
    state: invocation.state,
    phases,
    ...definedMembers({ queuedUntil: showQueuedUntil(invocation) }),
  };
}

function showQueuedUntil({ state, acceptedAt, lasting }: Invocation | InvocationRecord): string | undefined {
  const isQueued = state === 'queued' && lasting?.queueForMs !== undefined;
  return isQueued ? showTime(acceptedAt + lasting.queueForMs) : undefined;
}

/**
 * `showInvocation` as JSON, for the answer to every command: a third of what writing the object costs. Times, ids and
 * states hold nothing that JSON would escape.
 */
export function writeInvocation(
  invocation: Pick<
    InvocationSnapshot,
    'id' | 'deviceId' | 'command' | 'state' | 'acceptedAt' | 'sentAt' | 'deliveredAt' | 'answeredAt'
  >,
): string {
  const { id, deviceId, command, state, acceptedAt, sentAt, deliveredAt, answeredAt } = invocation;
  const sent = sentAt > 0 ? `,"sent":"${showTime(sentAt)}"` : '';
  const delivered = deliveredAt > 0 ? `,"delivered":"${showTime(deliveredAt)}"` : '';
  const answered = answeredAt > 0 ? `,"answered":"${showTime(answeredAt)}"` : '';
  return (
    `{"id":"${id}","deviceId":${JSON.stringify(deviceId)},"command":${JSON.stringify(command.name)},` +
    `"state":"${state}","phases":{"accepted":"${showTime(acceptedAt)}"${sent}${delivered}${answered}}}`
  );
}

/** The latest of each metric, or of those that are wanted. */
export function showReadings(device: Device, wanted?: readonly string[]): ReadingResource[] {
  return device.telemetry
    .latest()
    .filter(({ metric }) => wanted?.includes(metric) !== false)
    .map((reading) => ({
      metric: reading.metric,
      value: reading.value,
      unit: reading.unit ?? null,
      time: showTime(reading.time),
    }));
}

export function showTelemetry(device: Device): TelemetryResource {
  const { unavailable } = device.telemetry;
  return {
    deviceId: device.id,
    readings: showReadings(device),
    unavailable:
      unavailable === undefined ? null : { reason: unavailable.reason, time: showTime(unavailable.time) },
  };
}

/** @param nowMs - monotonic, for rates */
export function showService(service: ServiceEntry, nowMs: number): ServiceResource {
  const agents = [...service.agents.values()];
  const present = agents.filter(({ isLeaving, link }) => !isLeaving && !link.isSilent);
  const isAvailable = present.some(({ isHealthy }) => isHealthy);
  return {
    name: service.name,
    status: isAvailable ? 'available' : present.length > 0 ? 'target-down' : 'no-agent',
    inFlight: service.ticketCount,
    requestsPerSecond: service.requests.perSecond(nowMs),
    failuresPerSecond: service.failures.perSecond(nowMs),
    ...service.counters,
    agents: agents.map((agent) => ({
      agentId: agent.agentId,
      description: agent.description ?? null,
      isHealthy: agent.isHealthy,
      isLeaving: agent.isLeaving,
      inFlight: agent.link.size,
      maxInFlight: agent.maxInFlight,
    })),
  };
}

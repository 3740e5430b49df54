import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QueuedRecord } from '../../src/mqtt/session/session-store.ts';
import type { Random } from '../helpers/mqtt-packets.ts';
import { runSimulation } from './run-simulation.ts';
import { SimulatedStore } from './simulated-store.ts';
import type { WireFault } from './simulated-wire.ts';
import type { SimulationFaults } from './simulation-world.ts';

/** Runs that a fault may go through unseen. */
const MAX_SEEDS = 300;

const PUBLISH = 3;
const PUBACK = 4;
const PUBREC = 5;
const PUBREL = 6;
const SUBACK = 9;
const CONNACK = 2;

/** Does something to one packet in ten of a type. */
function toPackets(
  type: number,
  change: (packet: Buffer) => readonly Buffer[],
  isMeant: (packet: Buffer) => boolean = () => true,
): SimulationFaults {
  const wire = (random: Random): WireFault => {
    return (packet) => {
      const isHit = packet[0]! >> 4 === type && isMeant(packet) && random(10) === 0;
      return isHit ? change(packet) : [packet];
    };
  };
  return { wire };
}

const drop = (): readonly Buffer[] => [];
const repeat = (packet: Buffer): readonly Buffer[] => [packet, packet];

function withFirstByte(change: (byte: number) => number): (packet: Buffer) => readonly Buffer[] {
  return (packet) => {
    const changed = Buffer.from(packet);
    changed[0] = change(changed[0]!);
    return [changed];
  };
}

const qosOf = (packet: Buffer): number => (packet[0]! >> 1) & 3;

/** What each faulty broker does wrong, and what the simulation must say of it. */
const FAULTS: Readonly<Record<string, { faults: SimulationFaults; says: RegExp }>> = {
  'loses a PUBACK': { faults: toPackets(PUBACK, drop), says: /got no puback/u },
  'sends a PUBACK twice': { faults: toPackets(PUBACK, repeat), says: /got puback \d+ for nothing/u },
  'loses a PUBREC': { faults: toPackets(PUBREC, drop), says: /got no pubrec/u },
  'loses a PUBREL': { faults: toPackets(PUBREL, drop), says: /did not finish|in flight|did not get/u },
  'loses a SUBACK': { faults: toPackets(SUBACK, drop), says: /got no suback/u },
  'loses a QoS 0 message': {
    faults: toPackets(PUBLISH, drop, (packet) => qosOf(packet) === 0),
    says: /did not get/u,
  },
  'loses a QoS 1 or 2 message': {
    faults: toPackets(PUBLISH, drop, (packet) => qosOf(packet) > 0),
    says: /did not get|nobody got|got no|after a later/u,
  },
  'sends a QoS 0 message twice': {
    faults: toPackets(PUBLISH, repeat, (packet) => qosOf(packet) === 0),
    says: /for no reason|although another member had it/u,
  },
  'sends a QoS 2 message twice': {
    faults: toPackets(PUBLISH, repeat, (packet) => qosOf(packet) === 2),
    says: /with Packet Identifier|for no reason|is in use/u,
  },
  'sets RETAIN where it must not': {
    faults: toPackets(
      PUBLISH,
      withFirstByte((byte) => byte | 1),
    ),
    says: /for no reason/u,
  },
  'takes RETAIN away': {
    faults: toPackets(
      PUBLISH,
      withFirstByte((byte) => byte & ~1),
      (packet) => (packet[0]! & 1) === 1,
    ),
    says: /for no reason/u,
  },
  'sets DUP on a first try': {
    faults: toPackets(
      PUBLISH,
      withFirstByte((byte) => byte | 8),
      (packet) => qosOf(packet) > 0,
    ),
    says: /got DUP in a new session/u,
  },
  'says Session Present wrongly': {
    faults: toPackets(CONNACK, (packet) => {
      packet[2]! ^= 1;
      return [packet];
    }),
    says: /Session Present/u,
  },
  'sends messages in another order': { faults: { wire: swapPublishes }, says: /after a later message/u },
  'acknowledges what it does not store': {
    faults: { makeStore: (isInstant, takeSnapshot) => new ForgetfulStore(isInstant, takeSnapshot) },
    says: /did not get/u,
  },
  'keeps what is done with': {
    faults: { makeStore: (isInstant, takeSnapshot) => new HoardingStore(isInstant, takeSnapshot) },
    says: /for no reason|again, at QoS/u,
  },
  'queues more than it may': {
    faults: { rules: (rules) => ({ ...rules, maxQueuedMessages: rules.maxQueuedMessages + 5 }) },
    says: /messages queued/u,
  },
  'queues less than it may': {
    faults: { rules: (rules) => ({ ...rules, maxQueuedMessages: 1 }) },
    says: /dropped a message .*queue-full/u,
  },
  'grants a session less time than asked for': {
    faults: { rules: (rules) => ({ ...rules, maximumSessionExpiryInterval: 1 }) },
    says: /sessions, not|Will .* too early|Session Present/u,
  },
  'retains more than it may': {
    faults: { rules: (rules) => ({ ...rules, maxRetainedMessages: 1000 }) },
    says: /retained messages, not|and not 151|for no reason/u,
  },
};

describe('a simulation of a broker that', () => {
  for (const [what, { faults, says }] of Object.entries(FAULTS)) {
    it(`${what} fails`, async () => {
      const failures = await runUntil(faults, says);
      assert.match(failures.at(-1) ?? 'no seed failed', says);
    });
  }
});

/** The failures up to the one that says it: a fault may show in several ways. */
async function runUntil(faults: SimulationFaults, says: RegExp): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    try {
      await runSimulation(seed, faults);
    } catch (error) {
      const [what = ''] = (error as Error).message.split('\n');
      failures.push(what);
      if (says.test(what)) return failures;
    }
  }
  return failures;
}

/** Holds a QoS 0 message back, and lets the next one go first. */
function swapPublishes(random: Random): WireFault {
  let held: Buffer | undefined;
  return (packet) => {
    const isMeant = packet[0]! >> 4 === PUBLISH && qosOf(packet) === 0;
    if (held !== undefined) {
      const later = held;
      held = undefined;
      return isMeant ? [packet, later] : [later, packet];
    }
    if (!isMeant || random(2) === 0) return [packet];
    held = packet;
    return [];
  };
}

class ForgetfulStore<Snapshot> extends SimulatedStore<Snapshot> {
  override saveQueued(clientId: string, queued: QueuedRecord): void {
    if (queued.sequence % 3 !== 0) super.saveQueued(clientId, queued);
  }
}

class HoardingStore<Snapshot> extends SimulatedStore<Snapshot> {
  override deleteQueued(clientId: string, sequence: number): void {
    if (sequence % 3 !== 0) super.deleteQueued(clientId, sequence);
  }
}

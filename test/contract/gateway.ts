import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Alarms } from '../../src/base/alarms.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { DeviceRegistry } from '../../src/devices/device-registry.ts';
import type { InvocationPhase } from '../../src/devices/invocation-snapshot.ts';
import { Invocation } from '../../src/devices/invocation.ts';
import type { PresenceReason } from '../../src/devices/presence.ts';
import type { Gateway, ListeningAddress } from '../../src/gateways/gateway.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { openFeed } from '../helpers/open-feed.ts';
import { HANG_MS, until } from '../helpers/until.ts';

/** A command as it came to a device of the rig. */
export type ReceivedCommand = {
  readonly input: unknown;
  answer(output: string): void;
  /** Says that the command failed, as far as the protocol has words for it. */
  refuse(): void;
};

/** A device at the far end of the wire: real bytes, and nothing that thinks for it. */
export type RigDevice = {
  readonly id: string;
  nextCommand(): Promise<ReceivedCommand>;
  report(metric: string, value: number): Promise<void>;
  /** Drops its connection without a word. */
  leave(): void;
  /** Resolves when the gateway has ended its connection. */
  dropped(): Promise<void>;
};

/** What the contract needs of a gateway's protocol. */
export type GatewayRig = {
  readonly make: (registry: DeviceRegistry) => Gateway;
  /** Connects a device and describes it: it has the two commands below. The same number is the same device. */
  readonly connect: (
    t: TestContext,
    listening: readonly ListeningAddress[],
    number: number,
  ) => Promise<RigDevice>;
  readonly commands: { readonly withoutInput: string; readonly withInput: string };
  /** For a protocol without commands of no input: that of the first one. */
  readonly plainInput?: unknown;
  /** The output that a caller gets of an answer; the answer itself unless told. */
  readonly outputOf?: (answer: string) => unknown;
  /** What a caller sees of `refuse`. */
  readonly refusalCode: ErrorCode;
  /** How far a command is known to have come when its device has it; `sent` unless told. */
  readonly phase?: InvocationPhase;
  /** Why a device is gone that has left without a word; `disconnected` unless told. */
  readonly leaving?: PresenceReason;
};

/** Alarms come up to one tick late. */
const TICK_MS = 10;

const LIMITS = {
  maxQueuedInvocations: 100,
  maxQueuedPerCaller: 100,
  maxQueuedBytes: 65_536,
  maxQueuedBytesPerCaller: 32_768,
  maxOfflineDevices: 100,
  maxOfflineDescriptionBytes: 1_000_000,
  maxEventBytes: 1000,
  maxEventsPerSecond: 100,
};

type Change = { readonly id: string; readonly status: string; readonly reason: PresenceReason };

/** What every gateway owes to the registry, whatever its devices speak. */
export function describeGateway(name: string, rig: GatewayRig, skip: string | false = false): void {
  const { phase = 'sent', leaving = 'disconnected' } = rig;
  const start = async (t: TestContext, clockOfCallers: Clock = systemClock) => {
    const feed = openFeed();
    const registry = new DeviceRegistry({ limits: LIMITS, feed, check: () => [], clock: systemClock });
    const changes: Change[] = [];
    registry.observe(({ id }, { status, reason }) => changes.push({ id, status, reason }));
    const gateway = rig.make(registry);
    const listening = await gateway.start();
    t.after(() => gateway.stop());

    const connect = async (number: number): Promise<RigDevice> => {
      const device = await rig.connect(t, listening, number);
      await until(`${device.id} is online`, () => registry.get(device.id)?.isOnline === true);
      return device;
    };
    const alarms = new Alarms(clockOfCallers);
    const invoke = (id: string, commandName: string, { input, timeoutMs = HANG_MS }: AskOptions = {}) => {
      const device = registry.get(id);
      const command = device?.command(commandName);
      assert.ok(device !== undefined && command !== undefined, `${id} has no ${commandName}`);
      const invocation = new Invocation({
        id: `i${Math.random().toString(36).slice(2)}`,
        deviceId: id,
        command,
        inputText: input === undefined ? undefined : JSON.stringify(input),
        timeoutMs,
        caller: 'contract',
        alarms,
      });
      device.lane.enter(invocation);
      return invocation;
    };
    return { registry, gateway, changes, connect, invoke };
  };
  const { withoutInput, withInput } = rig.commands;
  const plain = { input: rig.plainInput };
  const outputOf = rig.outputOf ?? ((answer: string) => answer);
  const ended = (invocation: Invocation): Promise<boolean> =>
    until('the invocation ends', () => invocation.state !== 'running');

  describe(name, { skip }, () => {
    it('lists its devices, with its name and what they describe', async (t) => {
      const { registry, gateway, connect } = await start(t);
      const [first, second] = [await connect(1), await connect(2)];
      assert.notEqual(first.id, second.id);
      assert.deepEqual(
        [...registry.all()].map(({ id }) => id),
        [first.id, second.id],
      );
      const device = registry.get(first.id);
      assert.equal(device?.gateway, gateway.name);
      assert.equal(device?.command(withoutInput)?.name, withoutInput);
      assert.notEqual(device?.command(withInput)?.input, undefined);
    });

    it('carries a command to its device, and the answer back', async (t) => {
      const { connect, invoke } = await start(t);
      const device = await connect(1);
      const invocation = invoke(device.id, withInput, { input: 'Águas de Março' });
      const command = await device.nextCommand();
      assert.equal(command.input, 'Águas de Março');
      await until('the hub knows that it is there', () => invocation.phase === phase);
      assert.equal(invocation.state, 'running');
      command.answer('done');
      await ended(invocation);
      assert.deepEqual(
        [invocation.state, invocation.output, invocation.phase],
        ['completed', outputOf('done'), 'answered'],
      );
    });

    it('gives each of many callers the answer to what it asked', async (t) => {
      const { connect, invoke } = await start(t);
      const devices = [await connect(1), await connect(2)];
      const asked = devices.flatMap((device) =>
        ['a', 'b', 'c'].map((input) => ({ input, invocation: invoke(device.id, withInput, { input }) })),
      );
      await Promise.all(
        devices.map(async (device) => {
          for (let count = 0; count < 3; count++) {
            const command = await device.nextCommand();
            command.answer(`${device.id} ${String(command.input)}`);
          }
        }),
      );
      for (const { input, invocation } of asked) {
        await ended(invocation);
        assert.deepEqual(invocation.output, outputOf(`${invocation.deviceId} ${input}`));
      }
    });

    it('tells the caller that the device could not do it', async (t) => {
      const { connect, invoke } = await start(t);
      const device = await connect(1);
      const invocation = invoke(device.id, withoutInput, plain);
      (await device.nextCommand()).refuse();
      await ended(invocation);
      assert.deepEqual([invocation.state, invocation.failure?.code], ['failed', rig.refusalCode]);
    });

    it('lets a caller go whose time is over, and gives a late answer to nobody', async (t) => {
      const clock = new ManualClock();
      const { registry, connect, invoke } = await start(t, clock);
      const device = await connect(1);
      const first = invoke(device.id, withoutInput, plain);
      const command = await device.nextCommand();
      clock.advance(HANG_MS + TICK_MS);
      await ended(first);
      assert.deepEqual([first.state, first.failure?.code], ['failed', 'ANSWER_TIMEOUT']);
      const second = invoke(device.id, withoutInput, plain);
      command.answer('late');
      (await device.nextCommand()).answer('in time');
      await ended(second);
      assert.deepEqual(second.output, outputOf('in time'));
      assert.equal(first.output, undefined);
      assert.equal(registry.get(device.id)?.isOnline, true);
    });

    it('ends what a device had to answer when it leaves', async (t) => {
      const { registry, connect, invoke } = await start(t);
      const device = await connect(1);
      const invocation = invoke(device.id, withoutInput, plain);
      await device.nextCommand();
      device.leave();
      await ended(invocation);
      assert.deepEqual([invocation.state, invocation.failure?.code], ['failed', 'DEVICE_LOST']);
      assert.equal(registry.get(device.id)?.isOnline, false);
      assert.equal(registry.get(device.id)?.link, undefined);
    });

    it('reports each change of presence once, with its reason', async (t) => {
      const { registry, changes, connect } = await start(t);
      const device = await connect(1);
      device.leave();
      await until('it is offline', () => registry.get(device.id)?.isOnline === false);
      const again = await connect(1);
      assert.equal(again.id, device.id);
      const { id } = device;
      assert.deepEqual(changes, [
        { id, status: 'online', reason: 'connected' },
        { id, status: 'offline', reason: leaving },
        { id, status: 'online', reason: 'reconnected' },
      ]);
      assert.equal(registry.get(id)?.presence.sequence, 3);
    });

    it('keeps the latest reading of each metric', async (t) => {
      const { registry, connect } = await start(t);
      const device = await connect(1);
      const latest = (metric: string) =>
        registry
          .get(device.id)
          ?.telemetry.latest()
          .find((reading) => reading.metric === metric)?.value;
      await device.report('temperature', 21.5);
      await until('the first reading is there', () => latest('temperature') === 21.5);
      await device.report('temperature', 22);
      await device.report('humidity', 40);
      await until('the last one is there', () => latest('humidity') === 40 && latest('temperature') === 22);
    });

    it('ends everything when it stops', async (t) => {
      const { gateway, changes, connect, invoke } = await start(t);
      const devices = [await connect(1), await connect(2)];
      const invocation = invoke(devices[0]!.id, withoutInput, plain);
      await devices[0]!.nextCommand();
      await gateway.stop();
      await Promise.all(devices.map((device) => device.dropped()));
      await ended(invocation);
      assert.equal(invocation.state, 'failed');
      assert.deepEqual(
        changes.slice(2),
        devices.map(({ id }) => ({ id, status: 'offline', reason: 'hub-stopping' })),
      );
      await assert.rejects(connect(3));
    });

    it('counts in plain numbers', async (t) => {
      const { gateway, connect } = await start(t);
      await connect(1);
      const counts = Object.entries(gateway.counters);
      assert.ok(counts.some(([, count]) => count > 0));
      for (const [counter, count] of counts) assert.ok(Number.isSafeInteger(count), counter);
    });
  });
}

type AskOptions = { readonly input?: unknown; readonly timeoutMs?: number };

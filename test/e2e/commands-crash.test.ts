import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { ask, callOnce, countIn, lookUp, type Asking, type Told } from '../crash/command-callers.ts';
import { CrashDevice, type Manner } from '../crash/crash-device.ts';
import type { Json } from '../helpers/json.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';
import { until } from '../helpers/until.ts';

/** How often the hub is killed; `npm run test:crash` says more. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 3);
const CALLERS = 6;
const DEVICES = ['mill', 'press', 'saw'];
const ASKINGS: readonly Asking[] = ['plain', 'keyed', 'queued', 'async'];

/** A hub that is killed while callers ask and devices come and go, and the test's own record of all of it. */
class CrashRig {
  readonly hub: LastingHub;
  readonly devices: readonly CrashDevice[];
  readonly told: Told[] = [];
  #isOver = false;
  #lastNumber = 0;

  constructor(hub: LastingHub) {
    this.hub = hub;
    this.devices = DEVICES.map((id) => new CrashDevice(id, hub.tcpPort, chooseManner));
  }

  static async start(t: TestContext): Promise<CrashRig> {
    const rig = new CrashRig(await LastingHub.start(t));
    t.after(() => rig.devices.forEach((device) => device.leave()));
    for (const device of rig.devices) await device.join();
    return rig;
  }

  /** Lets all run while the hub is killed so often, and then until nothing is on its way. */
  async run(kills: number): Promise<void> {
    const work = [
      ...Array.from({ length: CALLERS }, () => this.#call()),
      ...this.devices.map((device) => this.#comeAndGo(device)),
    ];
    for (let count = 0; count < kills; count++) {
      // One that has only just begun would be killed before it has said anything, each time.
      const before = this.told.length;
      await until('somebody was answered', () => this.told.length > before);
      await pause(randomInt(1, 500));
      await this.hub.restart('SIGKILL');
    }
    this.#isOver = true;
    await Promise.all(work);
    for (const device of this.devices) {
      await until(`${device.id} is there`, () => device.isConnected || device.join());
      // One that leaves while it works would leave others waiting.
      device.choose = () => 'answer';
    }
    for (const state of ['queued', 'running']) {
      await until(`nothing is ${state}`, async () => {
        for (const device of this.devices) if (!device.isConnected) await device.join();
        return (await countIn(this.hub, state)) === 0;
      });
    }
  }

  async #call(): Promise<void> {
    while (!this.#isOver) {
      const number = ++this.#lastNumber;
      const deviceId = DEVICES[randomInt(DEVICES.length)]!;
      this.told.push(await callOnce(this.hub, { number, deviceId, asking: ASKINGS[randomInt(4)]! }));
    }
  }

  async #comeAndGo(device: CrashDevice): Promise<void> {
    while (!this.#isOver) {
      await pause(randomInt(20, 300));
      if (!device.isConnected) await device.join();
      else if (randomInt(4) === 0) device.leave();
    }
  }
}

/** Nearly always it answers. */
function chooseManner(): Manner {
  const chance = randomInt(20);
  return chance === 0 ? 'leave' : chance === 1 ? 'silence' : 'answer';
}

/** Of the load, not of what is checked: the hub is to be killed at any moment. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

test(`a hub that is killed ${KILLS} times under load loses no command that it acknowledged`, async (t) => {
  const rig = await CrashRig.start(t);
  await rig.run(KILLS);
  const timesDone = countDone(rig.devices);
  const kinds = new Map<string, number>();
  for (const told of rig.told) {
    const times = timesDone.get(told.number) ?? 0;
    assert.ok(times <= 1, `${told.asking} ${told.number} was sent ${times} times`);
    const { answer } = told;
    const kind = `${told.asking} ${answer?.status ?? 'lost'}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (answer !== undefined) await check(rig.hub, told, answer, times);
  }
  checkOrder(rig);
  t.diagnostic([...kinds].map(([kind, count]) => `${kind}: ${count}`).join(', '));
});

function countDone(devices: readonly CrashDevice[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const { done } of devices) for (const number of done) times.set(number, (times.get(number) ?? 0) + 1);
  return times;
}

/** What a caller was told is so, now and for whoever asks again. */
async function check(hub: LastingHub, told: Told, { status, body }: Told['answer'] & object, times: number) {
  const { number, asking } = told;
  const what = `${asking} ${number}, answered ${status}`;
  if (status === 200) assert.deepEqual([body.output, times], [number * 2, 1], what);
  const id = body.invocation?.id as string | undefined;
  // It was refused, and nothing was begun.
  if (id === undefined) return assert.deepEqual([times, body.safeToRetry], [0, true], what);
  if (asking === 'plain') return;
  const found = await lookUp(hub, id);
  assert.equal(found?.status, 200, `${what} is known`);
  const now = found?.body;
  checkEnd(now, number, times, what);
  if (status !== 202) assert.equal(now.state, status === 200 ? 'completed' : body.invocation.state, what);
  const again = await ask(hub, told);
  assert.deepEqual([again?.body.invocation?.id, again?.isReplay], [id, true], `${what}, and asked again`);
}

function checkEnd(now: Json, number: number, times: number, what: string): void {
  if (now.state === 'completed') return assert.deepEqual([now.output, times], [number * 2, 1], what);
  assert.equal(now.state, 'failed', `${what} has ended`);
  if (times === 1) assert.equal(now.safeToRetry, false, `${what}: ${now.problem.code}, and it was sent`);
}

/** What waited was sent in the order in which it was accepted. */
function checkOrder({ told, devices }: CrashRig): void {
  const waited = told.filter(
    ({ answer }) => answer?.status === 202 && answer.body.invocation.state === 'queued',
  );
  for (const { id, done } of devices) {
    const ids = new Map(waited.map(({ number, answer }) => [number, answer!.body.invocation.id as string]));
    const sent = done.flatMap((number) => ids.get(number) ?? []);
    assert.deepEqual(sent, sent.toSorted(), `what waited for ${id} came in order`);
  }
}

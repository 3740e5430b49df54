import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeFrame, encodeFrame, FrameType, type Frame } from '../wire/frame.ts';
import { Flow, type FlowBreak, type FlowListener } from './flow.ts';
import { FrameLink, type LinkLimits } from './frame-link.ts';

const LIMITS: LinkLimits = {
  maxLinkBytes: 300_000,
  chunkBytes: 1000,
  initialCreditBytes: 4000,
  probeAfterMs: 1000,
};
const HEAD = Buffer.from('head');
const CANCEL = { type: FrameType.CANCEL, body: Buffer.from('enough') } as const;

/** What a side was told, in order. */
class Side implements FlowListener {
  readonly told: string[] = [];
  flow: Flow | undefined;
  bytes = 0;
  broken: FlowBreak | undefined;
  /** Its consumer takes everything at once. */
  takes = true;

  onHead({ head }: Frame): void {
    this.told.push(Buffer.from(head).toString());
  }
  onBody(body: Uint8Array): void {
    this.bytes += body.length;
    if (this.takes) this.flow?.consume(body.length);
  }
  onEnd(): void {
    this.told.push('end');
  }
  onBroken(why: FlowBreak): void {
    this.told.push(why.kind);
    this.broken = why;
  }
  onDrain(): void {
    this.told.push('drain');
  }
  onSent(): void {
    this.told.push('sent');
  }
}

/** A request between two links; every message waits until it is delivered, and may be lost. */
function openPair(change: Partial<LinkLimits> = {}) {
  const limits = { ...LIMITS, ...change };
  const hub = new Side();
  const agent = new Side();
  const ways: Buffer[][] = [[], []];
  const unknown: Frame[] = [];
  const make = (out: Buffer[], onUnknown: (frame: Frame) => void): FrameLink =>
    new FrameLink({
      limits,
      publish: (frame) => out.push(Buffer.from(frame)) > 0,
      onUnknown,
      onMalformed: () => assert.fail('a frame that is none'),
    });
  const options = { request: 1, creditBytes: limits.initialCreditBytes, nowMs: 0 };
  const links = [
    make(ways[0]!, (frame) => void unknown.push(frame)),
    make(ways[1]!, (frame) => {
      unknown.push(frame);
      if (frame.type !== FrameType.REQUEST) return;
      agent.flow = new Flow(links[1], { ...options, listener: agent });
      agent.flow.receive(frame);
    }),
  ] as const;
  hub.flow = new Flow(links[0], { ...options, listener: hub });
  hub.flow.begin({ type: FrameType.REQUEST, head: HEAD, epoch: 1, timeoutMs: 1, creditBytes: 4000 });
  /** Delivers messages one by one, those of one way in their order. @param lose - which are lost */
  const deliver = (lose: (frame: Frame, at: number) => boolean = () => false): number => {
    let count = 0;
    for (let way = 0; ways.some(({ length }) => length > 0); way = 1 - way) {
      const message = ways[way]!.shift();
      if (message === undefined) continue;
      const frame = decodeFrame(message);
      assert.ok(typeof frame !== 'string');
      if (!lose(frame, count++)) links[1 - way]!.receive(message);
    }
    return count;
  };
  const answer = (bytes: number): void => {
    agent.flow!.begin({ type: FrameType.RESPONSE, head: HEAD });
    for (let left = bytes; left > 0; left -= 500) agent.flow!.write(Buffer.alloc(Math.min(500, left)));
    agent.flow!.end();
  };
  return { hub, agent, deliver, answer, ways, unknown, links };
}

describe('a flow', () => {
  it('brings heads and bodies both ways, and says when all has left', () => {
    const { hub, agent, deliver, answer } = openPair();
    hub.flow!.write(Buffer.alloc(2500));
    hub.flow!.end();
    deliver();
    answer(20_000);
    deliver();
    assert.deepEqual([agent.bytes, hub.bytes], [2500, 20_000]);
    assert.deepEqual(agent.told, ['head', 'end', 'sent']);
    assert.deepEqual(hub.told, ['sent', 'head', 'end']);
  });

  it('has a small answer in one message', () => {
    const { hub, deliver, answer, ways } = openPair();
    hub.flow!.end();
    deliver();
    answer(500);
    assert.equal(ways[1]!.length, 1);
  });

  it('sends what its receiver has credit for, and goes on as that is consumed', () => {
    const { hub, agent, deliver, answer } = openPair();
    hub.flow!.end();
    deliver();
    hub.takes = false;
    answer(20_000);
    deliver();
    assert.equal(hub.bytes, 4000);
    assert.equal(agent.flow!.write(Buffer.alloc(1)), false);
    hub.flow!.consume(999);
    assert.equal(deliver(), 0);
    hub.flow!.consume(1);
    deliver();
    assert.equal(hub.bytes, 5000);
  });

  it('is broken by an end that is in front of a lost message, by a head twice, and by more than the credit', () => {
    const gap = openPair();
    gap.hub.flow!.write(Buffer.alloc(2500));
    gap.hub.flow!.end();
    gap.deliver((frame) => frame.sequence === 1);
    assert.deepEqual(gap.agent.told, ['head', 'gap']);
    const twice = openPair();
    twice.hub.flow!.end();
    twice.deliver();
    for (const sequence of [0, 1])
      twice.links[1].send({ type: FrameType.RESPONSE, request: 1, sequence, head: HEAD });
    twice.deliver();
    assert.deepEqual(twice.hub.told, ['sent', 'head', 'nonsense']);
    const greedy = openPair();
    greedy.hub.flow!.end();
    greedy.deliver();
    greedy.links[1].send({ type: FrameType.CREDIT, request: 1, sequence: 0, creditBytes: 1 });
    greedy.deliver();
    assert.deepEqual(greedy.hub.told, ['sent', 'nonsense']);
  });

  it('takes a repetition once', () => {
    const { hub, deliver, answer, ways } = openPair();
    hub.flow!.end();
    deliver();
    answer(2500);
    ways[1]!.splice(1, 0, ways[1]![0]!, ways[1]![1]!);
    deliver();
    assert.deepEqual([hub.told.at(-1), hub.bytes], ['end', 2500]);
  });

  it('ends both sides with a last word', () => {
    const { hub, agent, deliver, links } = openPair();
    hub.flow!.end();
    deliver();
    hub.flow!.close(CANCEL);
    deliver();
    assert.deepEqual(agent.broken, { kind: 'cancelled', reason: 'enough' });
    assert.deepEqual(
      links.map(({ size }) => size),
      [0, 0],
    );
  });

  it('is asked after when it is silent, and given up when there is no answer', () => {
    const { hub, agent, deliver, ways, links } = openPair();
    hub.flow!.end();
    deliver();
    hub.flow!.look(0);
    hub.flow!.look(999);
    assert.equal(ways[0]!.length, 0);
    hub.flow!.look(1000);
    assert.equal(ways[0]!.length, 1);
    deliver();
    assert.deepEqual(agent.told, ['head', 'end'], "the answer to it is the flow's own");
    hub.flow!.look(1001);
    // Quiet by nature: asked half as often.
    hub.flow!.look(3000);
    assert.equal(ways[0]!.length, 0);
    for (const ms of [3001, 4001, 5001, 6001]) hub.flow!.look(ms);
    assert.equal(ways[0]!.length, 4);
    hub.flow!.look(7000);
    assert.equal(hub.broken, undefined);
    hub.flow!.look(7001);
    assert.deepEqual([hub.broken, links[0].isSilent], [{ kind: 'lost' }, true]);
  });

  it('is not given up while other frames come: its answer may be behind them', () => {
    const { hub, deliver, links } = openPair();
    hub.flow!.end();
    deliver();
    for (const ms of [1000, 2000, 3000, 4000]) hub.flow!.look(ms);
    links[0].receive(encodeFrame({ type: FrameType.STATE, request: 0 }));
    hub.flow!.look(5000);
    assert.deepEqual([hub.broken, links[0].isSilent], [undefined, false]);
    hub.flow!.look(6000);
    assert.deepEqual(hub.broken, { kind: 'lost' });
  });

  it('that lost its last message, or a CREDIT, is found by asking', () => {
    const last = openPair();
    last.hub.flow!.end();
    last.deliver();
    last.answer(100);
    last.deliver(() => true);
    last.hub.flow!.probe();
    last.deliver();
    assert.deepEqual(last.hub.told, ['sent', 'gap']);
    const credit = openPair();
    credit.hub.flow!.end();
    credit.deliver();
    credit.answer(20_000);
    credit.deliver(({ type }) => type === FrameType.CREDIT);
    assert.equal(credit.hub.bytes, 4000);
    credit.agent.flow!.probe();
    credit.deliver();
    assert.deepEqual([credit.agent.told.at(-1), credit.hub.broken], ['gap', undefined]);
  });

  it('whatever is lost: no body with a hole ends well, and asking finds out', () => {
    fc.assert(
      fc.property(fc.nat(12_000), fc.nat(12_000), fc.array(fc.nat(60)), (asked, answered, lost) => {
        const losses = new Set(lost);
        const { hub, agent, deliver, answer } = openPair();
        let at = 0;
        const lose = (): boolean => losses.has(at++);
        for (let left = asked; left > 0; left -= 900) hub.flow!.write(Buffer.alloc(Math.min(900, left)));
        hub.flow!.end();
        deliver(lose);
        if (agent.told.includes('end')) {
          assert.equal(agent.bytes, asked);
          answer(answered);
          deliver(lose);
        }
        for (const side of [hub, agent]) {
          if (side.told.includes('end')) continue;
          for (let ms = 0; ms < 40_000; ms += 500) {
            side.flow?.look(ms);
            deliver();
          }
        }
        if (hub.told.includes('end')) assert.equal(hub.bytes, answered);
        else if (agent.flow !== undefined && agent.told.includes('end') && hub.broken === undefined)
          assert.ok(hub.flow!.isOpen && agent.broken !== undefined);
      }),
    );
  });
});

describe('a link', () => {
  it('has only so much on the way, and goes on as the other side tells what has come', () => {
    const { hub, agent, ways, deliver } = openPair({ initialCreditBytes: 1_000_000, chunkBytes: 50_000 });
    for (let count = 0; count < 18; count++) hub.flow!.write(Buffer.alloc(50_000));
    hub.flow!.end();
    const onTheWay = ways[0]!.reduce((sum, { length }) => sum + length, 0);
    assert.ok(onTheWay >= 300_000 && onTheWay < 360_000, `${onTheWay}`);
    agent.takes = false;
    deliver();
    assert.deepEqual([agent.bytes, agent.told], [900_000, ['head', 'end']]);
  });

  it('lets those that wait for room go before what is begun when there is room', () => {
    const { hub, ways, links } = openPair({ initialCreditBytes: 1_000_000, chunkBytes: 50_000 });
    const open = (request: number): Flow => {
      const flow = new Flow(links[0], { request, creditBytes: 1000, listener: new Side(), nowMs: 0 });
      flow.begin({ type: FrameType.REQUEST, head: HEAD, epoch: 1, timeoutMs: 1, creditBytes: 4000 });
      flow.end();
      return flow;
    };
    for (let count = 0; count < 7; count++) hub.flow!.write(Buffer.alloc(50_000));
    const receivedBytes = ways[0]!.reduce((sum, { length }) => sum + length, 0);
    ways[0]!.length = 0;
    open(2);
    assert.equal(ways[0]!.length, 0);
    hub.onBroken = () => void open(3);
    links[0].receive(encodeFrame({ type: FrameType.FAILURE, request: 1, receivedBytes, body: HEAD }));
    const sent = ways[0]!.map((message) => decodeFrame(message) as Frame);
    assert.deepEqual(
      sent.filter(({ type }) => type === FrameType.REQUEST).map(({ request }) => request),
      [2, 3],
    );
  });

  it('takes what was lost for arrived once it has asked', () => {
    const { hub, ways, deliver, links } = openPair({ initialCreditBytes: 1_000_000, chunkBytes: 50_000 });
    for (let count = 0; count < 7; count++) hub.flow!.write(Buffer.alloc(50_000));
    hub.flow!.end();
    assert.equal(links[0].hasRoom, false);
    ways[0]!.length = 0;
    hub.flow!.probe();
    deliver();
    links[1].send({ type: FrameType.STATE, request: 0 });
    deliver();
    assert.equal(links[0].hasRoom, true);
  });
});

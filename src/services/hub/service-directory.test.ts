import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Flow, type FlowListener } from '../flow/flow.ts';
import { FrameLink } from '../flow/frame-link.ts';
import { DEFAULT_SERVICE_LIMITS } from '../options.ts';
import type { Announcement } from '../wire/announcement.ts';
import { chooseAgent } from './choose-agent.ts';
import { RateMeter } from './rate-meter.ts';
import { ServiceDirectory, type AgentEntry } from './service-directory.ts';

const ANNOUNCEMENT: Announcement = {
  epoch: 1,
  isHealthy: true,
  isLeaving: false,
  maxInFlight: 2,
  creditBytes: 1000,
  maxHeadBytes: 1000,
};

function directoryWith(
  limits: { maxServices?: number; maxAgentsPerService?: number } = {},
): ServiceDirectory {
  const open = (): FrameLink =>
    new FrameLink({
      limits: DEFAULT_SERVICE_LIMITS,
      publish: () => true,
      onUnknown() {},
      onMalformed() {},
    });
  return new ServiceDirectory({ maxServices: 2, maxAgentsPerService: 2, ...limits }, { open, close() {} });
}

/** A request that an agent has. */
function enter({ link }: AgentEntry, onBroken: FlowListener['onBroken'] = () => {}): Flow {
  const listener = { onHead() {}, onBody() {}, onEnd() {}, onDrain() {}, onSent() {}, onBroken };
  return new Flow(link, { request: link.size + 1, creditBytes: 1000, listener, nowMs: 0 });
}

describe('the directory of services', () => {
  it('says what changed', () => {
    const directory = directoryWith();
    const announce = (change: Partial<Announcement>) =>
      directory.announce('s', 'x', { ...ANNOUNCEMENT, ...change });
    assert.deepEqual(
      [
        announce({}),
        announce({}),
        announce({ isHealthy: false }),
        announce({}),
        announce({ isLeaving: true }),
        announce({ epoch: 2 }),
        directory.remove('s', 'x'),
        directory.remove('s', 'x'),
      ],
      ['new', 'same', 'unhealthy', 'healthy', 'leaving', 'again', 'gone', 'same'],
    );
  });

  it('tells the requests of an agent that is gone, or is another one', () => {
    const directory = directoryWith();
    let lost = 0;
    const announce = (epoch: number): void => {
      directory.announce('s', 'x', { ...ANNOUNCEMENT, epoch });
      enter(directory.get('s')!.agents.get('x')!, (why) => {
        assert.equal(why.kind, 'lost');
        lost++;
      });
    };
    announce(1);
    announce(2);
    assert.equal(lost, 1);
    directory.remove('s', 'x');
    assert.equal(lost, 2);
  });

  it('holds so many services and agents, and forgets services without agents first', () => {
    const directory = directoryWith();
    assert.equal(directory.announce('one', 'x', ANNOUNCEMENT), 'new');
    assert.equal(directory.announce('two', 'x', ANNOUNCEMENT), 'new');
    assert.equal(directory.announce('three', 'x', ANNOUNCEMENT), 'refused');
    directory.get('one')!.counters.requests += 5;
    directory.get('two')!.counters.requests += 2;
    directory.remove('one', 'x');
    assert.equal(directory.announce('three', 'x', ANNOUNCEMENT), 'new');
    assert.equal(directory.get('one'), undefined);
    assert.equal(directory.serviceCounters.requests, 7, 'what was counted stays counted');
    assert.equal(directory.announce('two', 'y', ANNOUNCEMENT), 'new');
    assert.equal(directory.announce('two', 'z', ANNOUNCEMENT), 'refused');
    assert.deepEqual(directory.counters, { refusedServices: 1, refusedAgents: 1 });
  });
});

describe('the choice of an agent', () => {
  function serviceWith(...agents: (Partial<Announcement> & { busy?: number })[]) {
    const directory = directoryWith({ maxAgentsPerService: 10 });
    for (const [index, { busy = 0, ...change }] of agents.entries()) {
      directory.announce('s', `a${index}`, { ...ANNOUNCEMENT, ...change });
      const entry = directory.get('s')!.agents.get(`a${index}`)!;
      for (let count = 0; count < busy; count++) enter(entry);
    }
    return directory.get('s')!;
  }
  const choose = (
    service: ReturnType<typeof serviceWith>,
    tried: readonly AgentEntry[] = [],
    turn = { last: 0 },
  ) => {
    const choice = chooseAgent(service, tried, turn);
    return choice.ok ? choice.value.agentId : choice.failure.code;
  };

  it('falls on the one with the fewest requests, and goes round among equals', () => {
    assert.equal(choose(serviceWith({ busy: 1 }, {}, { busy: 1 })), 'a1');
    const service = serviceWith({}, {}, {});
    const turn = { last: 0 };
    assert.deepEqual(
      [1, 2, 3, 4].map(() => choose(service, [], turn)),
      ['a0', 'a1', 'a2', 'a0'],
    );
  });

  it('passes by those that are unwell, leaving, full or tried', () => {
    const service = serviceWith({ isHealthy: false }, { isLeaving: true }, { busy: 2 }, { busy: 1 });
    assert.equal(choose(service), 'a3');
    assert.equal(choose(service, [service.agents.get('a3')!]), 'TOO_MANY_REQUESTS');
  });

  it('falls on one that was silent when there is no other, and for one request', () => {
    const service = serviceWith({}, {});
    const [one, two] = [...service.agents.values()] as [AgentEntry, AgentEntry];
    one.link.isSilent = true;
    assert.deepEqual([choose(service), choose(service)], ['a1', 'a1']);
    assert.equal(choose(service, [two]), 'a0');
    enter(one);
    assert.equal(choose(service, [two]), 'NO_AGENT');
  });

  it('says why there is none', () => {
    assert.equal(choose(serviceWith({ isHealthy: false })), 'TARGET_DOWN');
    assert.equal(choose(serviceWith({ isLeaving: true })), 'NO_AGENT');
    assert.equal(choose(serviceWith({ busy: 2 })), 'TOO_MANY_REQUESTS');
    const directory = directoryWith();
    assert.deepEqual(
      [directory.noteMisfit('s', 'x', 1), directory.noteMisfit('s', 'x', 1)],
      ['misfit', 'same'],
    );
    assert.equal(choose(directory.get('s')!), 'AGENT_INCOMPATIBLE');
    directory.announce('s', 'x', ANNOUNCEMENT);
    assert.equal(choose(directory.get('s')!), 'x');
    directory.remove('s', 'x');
    assert.equal(choose(directory.get('s')!), 'NO_AGENT');
  });
});

it('a rate is that of the last ten seconds', () => {
  const meter = new RateMeter();
  for (let count = 0; count < 50; count++) meter.count(1000 + count * 10);
  assert.equal(meter.perSecond(2000), 5);
  assert.equal(meter.perSecond(10_999), 5);
  assert.equal(meter.perSecond(11_000), 0);
});

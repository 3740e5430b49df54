import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameLink } from '../flow/frame-link.ts';
import { DEFAULT_SERVICE_LIMITS } from '../options.ts';
import { Admission, type Ticket } from './admission.ts';
import { ServiceDirectory } from './service-directory.ts';

const ANNOUNCEMENT = {
  epoch: 1,
  isHealthy: true,
  isLeaving: false,
  maxInFlight: 16,
  creditBytes: 1000,
  maxHeadBytes: 1000,
};

function openAdmission(isConnected = true) {
  const open = (): FrameLink =>
    new FrameLink({ limits: DEFAULT_SERVICE_LIMITS, publish: () => true, onUnknown() {}, onMalformed() {} });
  const directory = new ServiceDirectory({ maxServices: 1, maxAgentsPerService: 2 }, { open, close() {} });
  directory.announce('shop', 'x', ANNOUNCEMENT);
  const limits = { maxInFlightPerService: 1000, maxRequestBytes: 10 };
  const admission = new Admission({ directory, limits, isConnected: () => isConnected });
  const admit = (caller: string): Ticket => {
    const admitted = admission.admit('shop', { caller, bodyBytes: undefined });
    assert.ok(admitted.ok);
    return admitted.value;
  };
  return { directory, admission, admit };
}

describe('admission to a service', () => {
  it('says at once why a request cannot begin', async () => {
    const { admission } = openAdmission();
    const codeOf = (from: Admission, name: string, bodyBytes?: number) => {
      const admitted = from.admit(name, { caller: 'a', bodyBytes });
      return admitted.ok ? 'admitted' : admitted.failure.code;
    };
    assert.equal(codeOf(admission, 'other'), 'SERVICE_UNKNOWN');
    assert.equal(codeOf(admission, 'a/b'), 'SERVICE_UNKNOWN');
    assert.equal(codeOf(admission, 'shop', 11), 'BODY_TOO_LARGE');
    assert.equal(codeOf(openAdmission(false).admission, 'shop'), 'BROKER_OFFLINE');
    await admission.stop();
    assert.equal(codeOf(admission, 'shop'), 'HUB_STOPPING');
  });

  it('keeps the service known as long as there is a ticket, place or not', () => {
    const { directory, admit } = openAdmission();
    const ticket = admit('a');
    directory.remove('shop', 'x');
    assert.equal(directory.announce('other', 'x', ANNOUNCEMENT), 'refused');
    ticket.release();
    assert.equal(directory.announce('other', 'x', ANNOUNCEMENT), 'new');
  });

  it('takes places of as many requests as the agents take; a ticket given back twice counts once', () => {
    const { directory, admit } = openAdmission();
    const tickets = Array.from({ length: 16 }, (_, index) => admit(`caller ${index}`));
    for (const ticket of tickets) assert.equal(ticket.takePlace(), undefined);
    assert.equal(admit('late').takePlace()?.code, 'TOO_MANY_REQUESTS');
    tickets[0]!.release();
    tickets[0]!.release();
    assert.equal(directory.get('shop')!.places.taken, 15);
    assert.equal(admit('late').takePlace(), undefined);
    assert.equal(admit('later').takePlace()?.code, 'TOO_MANY_REQUESTS');
  });

  it('leaves nobody without a place, however much one caller asks for', () => {
    const { admit } = openAdmission();
    const taken = (caller: string): number => {
      let count = 0;
      while (count < 100 && admit(caller).takePlace() === undefined) count++;
      return count;
    };
    assert.equal(taken('greedy'), 14);
    assert.equal(taken('other'), 1);
    assert.equal(taken('third'), 1);
  });

  it('shares them between those who come together, and none are lost', () => {
    const { directory, admit } = openAdmission();
    const tickets: Ticket[] = [];
    for (let turn = 0; turn < 30; turn++) {
      for (const caller of ['a', 'b']) {
        const ticket = admit(caller);
        if (ticket.takePlace() === undefined) tickets.push(ticket);
        else ticket.release();
      }
    }
    const service = directory.get('shop')!;
    assert.deepEqual([service.places.heldBy('a'), service.places.heldBy('b')], [7, 7]);
    for (const ticket of tickets) ticket.release();
    assert.deepEqual([service.places.taken, service.ticketCount], [0, 0]);
  });

  it('stops when the last ticket is back', async () => {
    const { admission, admit } = openAdmission();
    const ticket = admit('a');
    let isOver = false;
    const stopped = admission.stop().then(() => (isOver = true));
    await Promise.resolve();
    assert.equal(isOver, false);
    ticket.release();
    await stopped;
  });
});

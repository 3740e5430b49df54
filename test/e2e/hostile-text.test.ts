import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectBus } from '../../src/bus/client-bus.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createResponder, type Responder } from '../../src/rpc/index.ts';
import { openBrokerOnTcp, type BrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { findFreePorts, recadoWords, startHubProcess } from '../helpers/hub-process.ts';
import { runWithInput as run } from '../helpers/run-with-input.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { until } from '../helpers/until.ts';

/** What a terminal would obey, but for the ends of lines that it needs. */
// oxlint-disable-next-line no-control-regex -- none must be left
const OBEYED = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
/** Gives the window a title, rings, clears the screen, and goes on as a line of somebody else. */
const ATTACK = '\u001b]0;owned\u0007\u001b[2J\u009b2J\nrecado: trust me';

describe('text of others', () => {
  let broker: BrokerOnTcp;
  let bus: Bus;
  let responder: Responder;
  before(async () => {
    broker = await openBrokerOnTcp();
    bus = await connectBus(broker.url);
    responder = createResponder(bus);
    await responder.serve('ask', () => Buffer.from(ATTACK));
    const properties = { contentType: ATTACK };
    const message = { topicName: `evil/${ATTACK}`, payload: Buffer.from(ATTACK), properties, retain: true };
    await bus.publish({ ...message, qos: 1 });
  });
  after(async () => {
    await responder.close();
    await bus.close();
    await broker.close();
  });

  const at = (): string[] => ['-p', String(broker.port)];
  /** What a program writes to a terminal until it ends. */
  async function onTerminal(
    t: { after(end: () => unknown): void },
    words: readonly string[],
  ): Promise<TerminalProgram> {
    const program = new TerminalProgram(words, { columns: 200 });
    t.after(() => program.stop());
    assert.equal(await program.exit(), 0);
    return program;
  }

  for (const form of [[], ['-v'], ['-F', '%t %p %C %j'], ['-F', '%j', '--pretty']]) {
    it(`is shown by recado sub ${form.join(' ')}, and not obeyed`, async (t) => {
      const program = await onTerminal(t, recadoWords('sub', ...at(), '-t', 'evil/#', '-C', '1', ...form));
      assert.deepEqual(program.liberties, []);
      assert.ok(program.output.includes(String.raw`\u001b]0;owned\u0007\u001b[2J\u009b2J`), program.output);
      assert.doesNotMatch(program.output, OBEYED);
    });
  }

  it('is shown by recado request, and not obeyed', async (t) => {
    const program = await onTerminal(t, recadoWords('request', ...at(), 'ask'));
    assert.doesNotMatch(program.output, OBEYED);
    assert.match(program.output, /\\u001b\]0;owned/);
  });

  it('goes into a pipe as it is', async () => {
    const { output } = await run(recadoWords('sub', ...at(), '-t', 'evil/#', '-C', '1', '-N'));
    assert.equal(output.toString(), ATTACK);
  });
});

describe('a log of a hub', () => {
  for (const format of ['json', 'pretty']) {
    it(`has a line for each of its own, whatever clients call themselves: ${format}`, async (t) => {
      const hub = await startHubProcess(await findFreePorts(), {
        settings: { RECADO_LOG_FORMAT: format, RECADO_LOG_LEVEL: 'debug' },
      });
      t.after(() => hub.stop());
      const [, port] = /mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(hub.program.errorText) ?? [];
      const options = { clientId: ATTACK, user: ATTACK };
      const client = await connectBus(`mqtt://127.0.0.1:${port}`, options);
      await client.publish({ topicName: `evil/${ATTACK}`, payload: Buffer.from('x'), qos: 1 });
      await client.close();
      await until('it is told', () => hub.program.errorText.includes('owned'));
      const lines = hub.program.errorText.trimEnd().split('\n');
      for (const line of lines) {
        assert.doesNotMatch(line, OBEYED);
        assert.doesNotMatch(line, /^recado: trust me/);
      }
    });
  }
});

import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Bus, BusMessage } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/client-bus.ts';
import { createAccessControl } from '../../src/mqtt/index.ts';
import { createRequester, createResponder, type Responder } from '../../src/rpc/index.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { readMarkdown } from '../helpers/markdown.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { readText } from '../helpers/source-files.ts';
import { until } from '../helpers/until.ts';

const USERS = ['ann', 'eve', 'lamp', 'house'];
/** A stranger who may ask the lamp as well, and somebody who sees what is done to the house. */
const MORE_RULES = ['user eve', 'topic write house/lamp', 'user house', 'topic house/#'];

/** The rules that the document shows. */
function documentedRules(): readonly string[] {
  const { codeBlocks } = readMarkdown(readText('docs/protocols/request-response.md'));
  const rules = codeBlocks.find(({ lines }) => lines.includes('user ann'));
  return rules?.lines ?? assert.fail('the document has no rules');
}

/** As mosquitto_passwd writes it; each user's password is the name. */
function userLine(name: string): string {
  const salt = Buffer.from('twelve bytes');
  const digest = pbkdf2Sync(name, salt, 101, 64, 'sha512').toString('base64');
  return `${name}:$7$101$${salt.toString('base64')}$${digest}`;
}

const FILES = {
  users: `${USERS.map(userLine).join('\n')}\n`,
  rules: `${[...documentedRules(), ...MORE_RULES].join('\n')}\n`,
};

async function openRecado(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'recado-rules-'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const access = await createAccessControl({
    passwordFile: join(folder, 'users'),
    aclFile: join(folder, 'rules'),
  });
  const { url, close } = await openBrokerOnTcp({ hooks: [access.hooks] });
  t.after(async () => {
    await close();
    rmSync(folder, { recursive: true });
  });
  return url;
}

async function openMosquitto(t: TestContext): Promise<string> {
  const settings = ['allow_anonymous false', 'password_file %FOLDER%/users', 'acl_file %FOLDER%/rules'];
  const broker = await new Mosquitto({ settings, files: FILES }).start();
  t.after(() => broker.remove());
  return broker.url;
}

async function connectAs(t: TestContext, url: string, user: string, protocolVersion: 4 | 5): Promise<Bus> {
  const bus = await connectBus(url, { user, password: user, protocolVersion });
  t.after(() => bus.close());
  return bus;
}

async function startLamp(t: TestContext, url: string, protocolVersion: 4 | 5): Promise<Responder> {
  const responder = createResponder(await connectAs(t, url, 'lamp', protocolVersion));
  t.after(() => responder.close());
  await responder.serve('house/lamp', ({ payload }) => payload);
  return responder;
}

/** Subscribes as far as the broker lets it, and notes what comes. */
async function listen(bus: Bus, filters: readonly string[]): Promise<BusMessage[]> {
  const heard: BusMessage[] = [];
  for (const filter of filters)
    await bus.subscribe(filter, { qos: 1 }, (message) => heard.push(message)).catch(() => undefined);
  return heard;
}

const text = ({ payload }: { payload: Uint8Array }): string => Buffer.from(payload).toString();

for (const [name, open, skip] of [
  ['Recado', openRecado, false],
  ['Mosquitto', openMosquitto, whyNoMosquitto()],
] as const) {
  describe(`the rules of the document, on ${name}`, { skip }, () => {
    for (const protocolVersion of [5, 4] as const) {
      it(`let nobody read the answers to another over MQTT ${protocolVersion}`, async (t) => {
        const url = await open(t);
        await startLamp(t, url, protocolVersion);
        const [ann, eve] = await Promise.all(
          (['ann', 'eve'] as const).map((user) => connectAs(t, url, user, protocolVersion)),
        );
        const heard = await listen(eve!, [
          '#',
          'recado/rpc/answers/#',
          'recado/rpc/answers/ann/+',
          'house/lamp/answers/#',
          'house/lamp/answers/ann/+/+',
          'house/lamp/requests/#',
        ]);
        const asking = createRequester(ann!);
        const spying = createRequester(eve!);
        t.after(() => [asking, spying].forEach((requester) => requester.close()));
        assert.equal(text(await asking.request('house/lamp', 'for ann')), 'for ann');
        // What was for Ann has come to Eve by now, if it ever does: her own answer comes after it.
        assert.equal(text(await spying.request('house/lamp', 'for eve')), 'for eve');
        assert.deepEqual(
          heard.map(text).filter((each) => each === 'for ann'),
          [],
        );
      });
    }

    it('are not got round by a Response Topic: a responder does nothing for a stranger there', async (t) => {
      const url = await open(t);
      const lamp = await startLamp(t, url, 5);
      const [eve, house] = await Promise.all(['eve', 'house'].map((user) => connectAs(t, url, user, 5)));
      const heard = await listen(house!, ['house/#']);
      const payload = Buffer.from('open');
      for (const responseTopic of [
        'house/lamp/answers',
        'house/lamp/requests/eve/1/1',
        'recado/rpc/answersX/1',
      ])
        await eve!.publish({ topicName: 'house/lamp', payload, qos: 1, properties: { responseTopic } });
      const envelope = Buffer.from('{"answerTo":"house/door","payload":"open"}');
      await eve!.publish({ topicName: 'house/lamp', payload: envelope, qos: 1 });
      await until('all are refused', () => lamp.counters.misdirected === 4);
      await until('the house hears them', () => heard.length === 4);
      assert.equal(lamp.counters.received, 0);
      assert.deepEqual([...new Set(heard.map(({ topicName }) => topicName))], ['house/lamp']);
    });
  });
}

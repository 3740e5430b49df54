import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comeIn, listen, passwordLines, TestFolder, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const RULES = [
  'user ann', // 1
  'topic house/#',
  'topic deny house/safe/#', // 3
  'topic read news',
  'user bob',
  'topic write #',
  'pattern deny private/%c/#', // 7
];

describe('what access rules deny', () => {
  it('stands in the log with the rule, and is counted by rule', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('users', await passwordLines({ ann: 'a', bob: 'b' }));
    const aclFile = folder.write('rules', RULES.join('\n'));
    const hub = await startTestHub(t, ({ mqtt }) => {
      Object.assign(mqtt, { passwordFile, aclFile, trustedNetworks: [] });
    });
    const url = urlOf(hub.server, 'mqtt');
    const ann = await comeIn(t, url, { username: 'ann', password: 'a', clientId: 'ann-1' });
    const bob = await comeIn(t, url, { username: 'bob', password: 'b', clientId: 'bob-1' });
    const told = (): string[] =>
      hub.logged
        .filter(({ text }) => text.includes(' denied, '))
        .map(({ level, fields, text }) => {
          const { act, clientId, userName, address, topic } = fields;
          const who = [level, act, clientId, userName, address, topic].map(String).join(' ');
          return `${who}: ${text.replace(folder.path, '')}`;
        });
    const count = async (rule: string): Promise<string | undefined> => {
      const { text } = await hub.call('GET', '/metrics');
      return text.split(`recado_mqtt_access_denied_total{rule="${rule}"} `)[1]?.split('\n')[0];
    };

    const received = await listen(ann, 'house/+/x', 'news');
    assert.deepEqual(told(), []);
    assert.equal(await count('no rule'), undefined);

    for (const topic of ['house/safe/x', 'news', 'house/safe/x'])
      await assert.rejects(ann.publishAsync(topic, '', { qos: 1 }), /Not authorized/);
    await assert.rejects(ann.subscribeAsync('house/safe/+'), /Not authorized/);
    await assert.rejects(bob.subscribeAsync('private/#'), /Not authorized/);
    await assert.rejects(bob.publishAsync('private/bob-1/x', '', { qos: 1 }), /Not authorized/);
    for (let time = 0; time < 3; time++) await bob.publishAsync('house/safe/x', '1', { qos: 1 });
    await bob.publishAsync('house/door/x', '2', { qos: 1 });
    await until('what ann may receive comes', () => received.includes('house/door/x 2'));
    assert.deepEqual(received, ['house/door/x 2']);

    const safe = '/rules:3: user ann: topic deny house/safe/#';
    assert.deepEqual(told(), [
      `debug publish ann-1 ann 127.0.0.1 house/safe/x: publish denied, ${safe}`,
      'debug publish ann-1 ann 127.0.0.1 news: publish denied, no rule of /rules permits it',
      `debug publish ann-1 ann 127.0.0.1 house/safe/x: publish denied, ${safe}`,
      `debug subscribe ann-1 ann 127.0.0.1 house/safe/+: subscribe denied, ${safe}`,
      'debug subscribe bob-1 bob 127.0.0.1 private/#: subscribe denied, no rule of /rules permits it',
      'debug publish bob-1 bob 127.0.0.1 private/bob-1/x: publish denied, /rules:7: pattern deny private/%c/#',
      `debug receive ann-1 ann 127.0.0.1 house/safe/x: receive denied, ${safe}`,
    ]);
    assert.equal(
      await count('user ann: topic deny house/safe/#'),
      '6',
      'three times to publish, and three messages',
    );
    assert.equal(await count('pattern deny private/%c/#'), '1');
    assert.equal(await count('no rule'), '2');

    // A rule counts on wherever it stands now.
    folder.write('rules', ['# longer', ...RULES].join('\n'));
    await until('the rules are new', () => hub.logged.some(({ text }) => text.startsWith('new access')));
    await assert.rejects(ann.publishAsync('house/safe/x', '', { qos: 1 }), /Not authorized/);
    assert.match(told().at(-1) ?? '', /\/rules:4: user ann/);
    assert.equal(await count('user ann: topic deny house/safe/#'), '7');
  });

  it('is so for client ids, and for rules that are not those of the file', async (t) => {
    const folder = new TestFolder(t);
    const aclFile = folder.write('rules', 'topic #\nclientid lamp-*');
    const hub = await startTestHub(t, ({ mqtt }) => void Object.assign(mqtt, { aclFile }));
    const url = urlOf(hub.server, 'mqtt');
    await assert.rejects(comeIn(t, url, { clientId: 'other' }), /Client Identifier/);
    const lamp = await comeIn(t, url, { clientId: 'lamp-1' });
    const topic = 'recado/services/billing/agents/x/out/hub';
    await assert.rejects(lamp.publishAsync(topic, '', { qos: 1 }), /Not authorized/);
    await assert.rejects(lamp.subscribeAsync('recado/services/#'), /Not authorized/);
    const lines = hub.logged
      .filter(({ text }) => text.includes(' denied, '))
      .map(({ fields, text }) => `${String(fields['clientId'])}: ${text.replace(folder.path, '')}`);
    assert.deepEqual(lines, [
      'other: connect denied, /rules:2: clientid lamp-*',
      'lamp-1: publish denied, by services',
      'lamp-1: subscribe denied, by services',
    ]);
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /\nrecado_mqtt_access_denied_total\{rule="clientid lamp-\*"\} 1\n/);
    assert.match(text, /\nrecado_mqtt_access_denied_total\{rule="services"\} 2\n/);
  });

  it('floods no log: of what one user is denied, some lines a second, and then how many more', async (t) => {
    const aclFile = new TestFolder(t).write('rules', '');
    const hub = await startTestHub(t, ({ mqtt }) => void Object.assign(mqtt, { aclFile }));
    const client = await comeIn(t, urlOf(hub.server, 'mqtt'));
    const tries = Array.from({ length: 500 }, (_, number) =>
      client.publishAsync(`t/${number}`, '', { qos: 1 }),
    );
    for (const { status } of await Promise.allSettled(tries)) assert.equal(status, 'rejected');
    const written = hub.logged.filter(({ text }) => text.startsWith('publish denied')).length;
    await until('the rest is told', () => withheld() + written === tries.length);
    function withheld(): number {
      const told = hub.logged.filter(({ fields }) => fields['kind'] === 'denials of access rules');
      return told.reduce((sum, { fields }) => sum + Number(fields['withheld']), 0);
    }
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /\nrecado_mqtt_access_denied_total\{rule="no rule"\} 500\n/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_RULE_LEVELS, MAX_RULES_PER_USER, parseAclFile, type AclRules } from './acl-file.ts';
import { MAX_TOLD_FAULTS } from './file-fault.ts';

function parse(text: string): AclRules {
  const parsed = parseAclFile(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function faultsOf(text: string): string[] {
  const parsed = parseAclFile(text);
  return parsed.ok ? [] : parsed.failure.map(({ line, message }) => `${line}: ${message}`);
}

describe('parseAclFile', () => {
  it('gives each rule to whom it is for', () => {
    const rules = parse(
      [
        '# for those without a name',
        'topic read news/#',
        '',
        'user ann',
        'topic house/+',
        'topic deny house/safe',
        'pattern write s/%c/%u',
        'user bob b.',
        '  topic   readwrite   a topic with  spaces/# ',
        'user ann\r',
        '\ttopic\twrite late\r',
      ].join('\n'),
    );
    assert.deepEqual(rules.anonymous, { read: ['news/#'], write: [], deny: [] });
    assert.deepEqual([...rules.users.keys()], ['ann', 'bob b.']);
    assert.deepEqual(rules.users.get('ann'), {
      read: ['house/+'],
      write: ['house/+', 'late'],
      deny: [{ filter: 'house/safe', rule: { line: 6, name: 'user ann: topic deny house/safe' } }],
    });
    assert.deepEqual(rules.users.get('bob b.')?.write, ['a topic with  spaces/#']);
    assert.deepEqual(rules.patterns, [
      { access: 'write', levels: ['s', '%c', '%u'], rule: { line: 7, name: 'pattern write s/%c/%u' } },
    ]);
    assert.equal(rules.firstUserLine, 4);
  });

  it('knows whether rights depend on user names', () => {
    assert.equal(parse('topic a\npattern b/%c').firstUserLine, 0);
    assert.equal(parse('topic a\npattern b/%u').firstUserLine, 2);
  });

  it('reads an empty file: nothing is permitted', () => {
    assert.deepEqual(parse('\n# nothing\n').users.size, 0);
  });

  it('says line, fault and remedy', () => {
    for (const [text, message] of [
      ['\ntopik a', '2: "topik" begins no rule; there are user, topic, clientid and pattern'],
      ['user', '1: names no user; write "user NAME"'],
      ['topic', '1: names no topic; write "topic read TOPIC"'],
      ['pattern deny', '1: names no topic; write "pattern deny TOPIC"'],
      [
        'topic raed a/b',
        '1: "raed" is no access; write read, write, readwrite, deny before a topic with spaces',
      ],
      ['topic read a#', /^1: the topic "a#" has a wildcard that is not alone in its level/],
      ['topic read #/a', /^1: the topic "#\/a" has a wildcard/],
      ['topic read $share/g/a', /^1: the topic .* begins with \$share\/; write the filter alone/],
      ['topic read $share/', /^1: the topic .* begins with \$share\//],
      ['pattern read a/x%c', '1: %c and %u must be alone in their level: sensor/%c/data'],
      ['pattern read %c/%u/a+', /^1: the topic .* has a wildcard/],
      ['topic read a\0', /null character/],
      ['clientid', '1: names no client id; write "clientid ID", or a beginning and * for any rest'],
      ['user a\nclientid a*b', /^2: names no client id/],
      ['pattern clientid', /^1: names no client id/],
      [`topic read ${'/'.repeat(MAX_RULE_LEVELS)}`, /more than 128 levels/],
      [`topic read ${'a'.repeat(65_536)}`, /longer than MQTT allows/],
    ] as const) {
      const [fault = ''] = faultsOf(text);
      if (typeof message === 'string') assert.equal(fault, message);
      else assert.match(fault, message);
    }
  });

  it('takes %c in a topic line as it stands, as Mosquitto does', () => {
    assert.deepEqual(parse('topic read a/%c').anonymous.read, ['a/%c']);
  });

  it('binds client ids to users, to clients without a name, and to everybody by pattern', () => {
    const lines = [
      'clientid guest-*',
      'user ann',
      'clientid ann',
      'clientid lamp-*',
      'user bob',
      'topic a',
      'user eve',
    ];
    const rules = parse(lines.join('\n')).clientIds;
    const mayUse = (userName: string | undefined, clientId: string): boolean =>
      rules.findDenial({ userName, clientId }) === undefined;
    for (const [userName, clientId, expected] of [
      ['ann', 'ann', true],
      ['ann', 'lamp-', true],
      ['ann', 'lamp-1', true],
      ['ann', 'anna', false],
      ['ann', 'other', false],
      ['bob', 'ann', false],
      ['bob', 'lamp-1', false],
      ['bob', 'bob', true],
      ['bob', 'guest-1', true],
      [undefined, 'guest-1', true],
      [undefined, 'bob', false],
    ] as const)
      assert.equal(mayUse(userName, clientId), expected, `${userName} as ${clientId}`);
    const byName = parse('pattern clientid %u-*\npattern clientid %u').clientIds;
    for (const [userName, clientId, expected] of [
      ['ann', 'ann', true],
      ['ann', 'ann-1', true],
      ['ann', 'bob-1', false],
      ['$&', '$&-1', true],
      [undefined, 'ann-1', false],
      [undefined, 'undefined', false],
    ] as const)
      assert.equal(
        byName.findDenial({ userName, clientId }) === undefined,
        expected,
        `${userName} as ${clientId}`,
      );
    const shared = parse('topic clientid').clientIds;
    assert.equal(shared.findDenial({ userName: undefined, clientId: 'any' }), undefined);
  });

  it('goes through no rules of others for a client that has none', (t) => {
    const lines = Array.from({ length: 1000 }, (_, user) => `user u${user}\nclientid %u\nclientid %u/*`);
    const rules = parse(lines.join('\n')).clientIds;
    const compared = (['replaceAll', 'startsWith'] as const).map((name) =>
      t.mock.method(String.prototype, name),
    );
    for (const [clientId, expected] of [
      ['u999', false],
      ['u999/1', false],
      ['u999/', false],
      ['u9999', true],
      ['u', true],
    ] as const)
      assert.equal(rules.findDenial({ userName: undefined, clientId }) === undefined, expected, clientId);
    assert.deepEqual(
      compared.map(({ mock }) => mock.callCount()),
      [0, 0],
    );
  });

  it('has a limit on the rules of one user, and on patterns', () => {
    const lines = (word: string, count: number): string =>
      Array.from({ length: count }, (_, index) => `${word} a/${index}`).join('\n');
    assert.equal(parse(lines('topic', MAX_RULES_PER_USER)).anonymous.read.length, MAX_RULES_PER_USER);
    assert.deepEqual(faultsOf(lines('topic', MAX_RULES_PER_USER + 1)), [
      '1001: is more than 1000 rules for one user; join some with wildcards',
    ]);
    assert.match(faultsOf(`${lines('topic', MAX_RULES_PER_USER)}\ntopic deny x`)[0] ?? '', /^1001: is more/);
    assert.equal(parse(lines('pattern', MAX_RULES_PER_USER)).patterns.length, MAX_RULES_PER_USER);
    assert.deepEqual(faultsOf(lines('pattern', MAX_RULES_PER_USER + 1)), [
      '1001: is more than 1000 patterns',
    ]);
  });

  it('tells so many faults and no more', () => {
    assert.equal(faultsOf('x\n'.repeat(10_000)).length, MAX_TOLD_FAULTS);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAclFile, type AclRules } from './acl-file.ts';
import type { PatternSubject } from './client-patterns.ts';
import { TopicAccess } from './topic-access.ts';
import { PERMITTED } from './written-rule.ts';

type Client = { readonly clientId: string; userName: string | undefined };

function rulesOf(...lines: readonly string[]): AclRules {
  const parsed = parseAclFile(lines.join('\n'));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function accessOf(...lines: readonly string[]): TopicAccess<PatternSubject> {
  const access = new TopicAccess<PatternSubject>(64);
  access.setRules(rulesOf(...lines));
  return access;
}

function may(
  act: 'Read' | 'Write' | 'Subscribe',
  access: TopicAccess<PatternSubject>,
  subject: PatternSubject,
  topic: string,
): boolean {
  return access[`judge${act}`](subject, topic) === PERMITTED;
}

const client = (userName: string | undefined, clientId = 'c1'): Client => ({ clientId, userName });

describe('rules of topics', () => {
  it('permit each its direction, and nothing that no rule names', () => {
    const access = accessOf(
      'user ann',
      'topic read r/#',
      'topic write w/+',
      'topic rw',
      'topic readwrite both/x',
    );
    const ann = client('ann');
    const told = (topic: string): readonly [boolean, boolean] => [
      may('Read', access, ann, topic),
      may('Write', access, ann, topic),
    ];
    assert.deepEqual(told('r/1/2'), [true, false]);
    assert.deepEqual(told('r'), [true, false]);
    assert.deepEqual(told('w/1'), [false, true]);
    assert.deepEqual(told('w/1/2'), [false, false]);
    assert.deepEqual(told('rw'), [true, true]);
    assert.deepEqual(told('both/x'), [true, true]);
    assert.deepEqual(told('else'), [false, false]);
  });

  it('before the first user are for clients without a name only', () => {
    const access = accessOf('topic read news', 'user ann', 'topic read own');
    assert.deepEqual(
      [undefined, 'ann', 'zoe'].map((name) => may('Read', access, client(name), 'news')),
      [true, false, false],
    );
    assert.deepEqual(
      [undefined, 'ann', 'zoe', '', '__proto__'].map((name) => may('Read', access, client(name), 'own')),
      [false, true, false, false, false],
    );
  });

  it('deny whatever the order, in both directions, patterns too', () => {
    const lines = ['topic deny a/secret/#', 'topic a/#', 'pattern deny +/hidden', 'pattern a/%c'];
    for (const order of [lines, [...lines].reverse()]) {
      const access = accessOf(...order);
      const some = client(undefined, 'hidden');
      for (const topic of ['a/secret', 'a/secret/x', 'a/hidden']) {
        assert.equal(may('Read', access, some, topic), false, topic);
        assert.equal(may('Write', access, some, topic), false, topic);
      }
      assert.equal(may('Write', access, some, 'a/b'), true);
    }
  });

  it('do not reach $ topics with a wildcard at the start', () => {
    const access = accessOf('topic #', 'topic +/x', 'topic read $SYS/broker/#');
    const some = client(undefined);
    assert.equal(may('Read', access, some, '$SYS/broker/load'), true);
    assert.equal(may('Write', access, some, '$SYS/broker/load'), false);
    assert.equal(may('Read', access, some, '$SYS/x'), false);
    assert.equal(may('Read', access, some, '$x/x'), false);
    assert.equal(may('Read', access, some, '/x'), true);
  });
});

describe('subscriptions', () => {
  it('are allowed when a message could come of them', () => {
    const access = accessOf('user ann', 'topic read house/+/state', 'topic write cmd/#', 'topic read x');
    const ann = client('ann');
    for (const filter of ['house/1/state', 'house/#', '#', '+/1/+', 'x/#', 'x'])
      assert.equal(may('Subscribe', access, ann, filter), true, filter);
    for (const filter of ['house/1', 'cmd/#', 'garden/#', '$SYS/#', '+/+/set', 'x/+'])
      assert.equal(may('Subscribe', access, ann, filter), false, filter);
    assert.equal(may('Subscribe', access, client('zoe'), '#'), false);
  });

  it('are refused when a denial forbids every message of them', () => {
    const access = accessOf('topic read #', 'topic deny secret/#', 'topic deny a');
    const some = client(undefined);
    for (const filter of ['secret/#', 'secret', 'secret/+/x', 'a'])
      assert.equal(may('Subscribe', access, some, filter), false, filter);
    for (const filter of ['#', '+', '+/x', 'a/#'])
      assert.equal(may('Subscribe', access, some, filter), true, filter);
  });
});

describe('patterns', () => {
  it('are for everybody, each with its own names', () => {
    const access = accessOf(
      'user ann',
      'topic x',
      'pattern write s/%c/d',
      'pattern read u/%u/#',
      'pattern read all',
    );
    const ann = client('ann', 'c1');
    assert.equal(may('Write', access, ann, 's/c1/d'), true);
    assert.equal(may('Write', access, ann, 's/c2/d'), false);
    assert.equal(may('Read', access, ann, 'u/ann/1'), true);
    assert.equal(may('Read', access, ann, 'u/bob/1'), false);
    const nameless = client(undefined, 'c2');
    assert.equal(may('Write', access, nameless, 's/c2/d'), true);
    assert.equal(may('Read', access, nameless, 'u/undefined/1'), false);
    assert.equal(may('Read', access, nameless, 'all'), true);
    assert.equal(may('Subscribe', access, nameless, 'u/#'), false);
  });

  it('are filled in once, level by level', () => {
    const access = accessOf('pattern s/%c/%u');
    const tricky = client('%c', '%u');
    assert.equal(may('Write', access, tricky, 's/%u/%c'), true);
    assert.equal(may('Write', access, tricky, 's/%u/%u'), false);
  });

  it('gain nothing by a client id or user name that is no plain level', () => {
    const access = accessOf('pattern s/%c/d', 'pattern u/%u/d', 'pattern write clean');
    for (const hostile of ['+', '#', 'a/b', '/', 'a/#', 'x+', 'x#', '']) {
      for (const some of [client('ann', hostile), client(hostile, 'c1')]) {
        const isByUser = some.userName === hostile;
        for (const topic of ['s/a/d', 's/a/b/d', 's//d', 's/d', 's/x/d', `s/${hostile}/d`])
          assert.equal(may('Read', access, some, topic) && !isByUser, false, `${hostile} ${topic}`);
        for (const topic of ['u/a/d', 'u/a/b/d', 'u//d', 'u/d', 'u/x/d', `u/${hostile}/d`])
          assert.equal(may('Read', access, some, topic) && isByUser, false, `${hostile} ${topic}`);
        assert.equal(may('Subscribe', access, some, isByUser ? 'u/#' : 's/#'), false, hostile);
        assert.equal(may('Write', access, some, 'clean'), true);
      }
    }
  });

  it('do not lead into $ topics by a name that begins with $', () => {
    const access = accessOf('pattern %u/#', 'pattern %c/x', 'pattern own/%u');
    const hostile = client('$SYS', '$SYS');
    assert.equal(may('Read', access, hostile, '$SYS/broker'), false);
    assert.equal(may('Write', access, hostile, '$SYS/x'), false);
    assert.equal(may('Write', access, hostile, 'own/$SYS'), true);
  });

  it('that deny cannot be escaped by such a name', () => {
    const access = accessOf('topic u/#', 'user ann', 'topic u/#', 'pattern deny u/%c/secret');
    assert.equal(may('Read', access, client('ann', 'c1'), 'u/c1/secret'), false);
    assert.equal(may('Read', access, client('ann', 'c1'), 'u/c2/secret'), true);
    for (const hostile of ['a/b', '+', '#'])
      for (const topic of ['u/a/b/secret', 'u/c2/secret', 'u/c2'])
        assert.equal(may('Read', access, client('ann', hostile), topic), false, `${hostile} ${topic}`);
  });
});

describe('kept verdicts', () => {
  const LINES = ['user ann', 'topic write t/+', 'topic deny t/13', 'user bob', 'topic write b'];

  it('are the same the second time, and for many topics and clients in turn', () => {
    const access = new TopicAccess<Client>(4);
    access.setRules(rulesOf(...LINES));
    const [ann, bob] = [client('ann'), client('bob')];
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 20; number++) {
        const topic = `t/${number}`;
        for (let again = 0; again < 2; again++) {
          assert.equal(may('Write', access, ann, topic), number !== 13, topic);
          assert.equal(may('Write', access, bob, topic), false, topic);
        }
      }
      assert.equal(may('Write', access, bob, 'b'), true);
    }
  });

  it('are forgotten with the rules', () => {
    const access = new TopicAccess<Client>(4);
    const ann = client('ann');
    access.setRules(rulesOf(...LINES));
    assert.equal(may('Write', access, ann, 't/1'), true);
    access.setRules(rulesOf('user ann', 'topic deny t/1', 'topic t/2'));
    assert.equal(may('Write', access, ann, 't/1'), false);
    assert.equal(may('Write', access, ann, 't/2'), true);
  });

  it('do not outlive the name of the user', () => {
    const access = new TopicAccess<Client>(4);
    access.setRules(rulesOf(...LINES));
    const changing = client('ann');
    assert.equal(may('Write', access, changing, 't/1'), true);
    changing.userName = 'bob';
    assert.equal(may('Write', access, changing, 't/1'), false);
    assert.equal(may('Write', access, changing, 'b'), true);
  });

  it('forbid everything before there are rules', () => {
    assert.equal(may('Write', new TopicAccess<Client>(4), client(undefined), 'a'), false);
  });
});

describe('a hundred rules', () => {
  it('are all asked', () => {
    const access = accessOf(
      'user ann',
      ...Array.from({ length: 50 }, (_, index) => `topic write house/${index}/+/set`),
      ...Array.from({ length: 50 }, (_, index) => `topic write exact/${index}`),
    );
    const ann = client('ann');
    for (let index = 0; index < 50; index++) {
      assert.equal(may('Write', access, ann, `house/${index}/x/set`), true);
      assert.equal(may('Write', access, ann, `exact/${index}`), true);
    }
    assert.equal(may('Write', access, ann, 'house/50/x/set'), false);
    assert.equal(may('Write', access, ann, 'exact/50'), false);
  });
});

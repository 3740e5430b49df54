import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSay, MESSAGES, sayIfKnown } from './messages.ts';

function placeholders(text: string): string[] {
  return (text.match(/\{\w+[|}]/g) ?? []).sort();
}

describe('messages', () => {
  test('both languages fill the same things in, and no text is empty', () => {
    for (const [key, [english, portuguese]] of Object.entries<readonly [string, string]>(MESSAGES)) {
      assert.deepEqual(placeholders(portuguese), placeholders(english), key);
      for (const text of [english, portuguese]) assert.notEqual(text.trim(), '', key);
    }
  });

  test('a text in another language is another text', () => {
    const same = Object.entries<readonly [string, string]>(MESSAGES).filter(
      ([, [english, portuguese]]) => english === portuguese,
    );
    assert.deepEqual(
      same.map(([key]) => key).sort(),
      [
        'description.id',
        'devices.column.gateway',
        'devices.show.offline',
        'devices.show.online',
        'form.json',
        'plain.field',
        'presence.offline',
        'presence.online',
        'virtual.data.id',
        'virtual.data.status',
        'virtual.none',
        'token.title',
      ].sort(),
    );
  });
});

describe('createSay', () => {
  test('fills in, and counts', () => {
    const say = createSay('pt-BR');
    assert.equal(say('device.unknown', { id: 'DE1' }), 'O hub não conhece mais DE1.');
    assert.equal(say('devices.total', { count: 1 }), '1 dispositivo');
    assert.equal(say('devices.total', { count: 0 }), '0 dispositivos');
    assert.equal(say('draft.too-few', { limit: 1 }), 'Dê ao menos 1 valor.');
    assert.equal(createSay('en')('draft.too-short', { limit: '1' }), 'It must have at least 1 character.');
  });

  test('a value cannot bring in another placeholder', () => {
    assert.equal(createSay('en')('plain.sending', { command: '{id}', id: 'DE1' }), 'Sending {id} to DE1 …');
  });

  test('what only a newer hub says is not known', () => {
    assert.equal(sayIfKnown(createSay('en'), 'reason.abducted'), undefined);
    assert.equal(sayIfKnown(createSay('en'), 'toString'), undefined);
    assert.equal(sayIfKnown(createSay('en'), 'reason.connected'), 'connected');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findTopicNameFault, isValidTopicName, MAX_TOPIC_BYTES, TopicFault } from './topic-name.ts';

const LEVELS = 128;

describe('findTopicNameFault', () => {
  it('finds none in what a topic may be', () => {
    for (const name of ['a', '/', '//', 'a/', '/a', ' ', 'a b/ç/温度', '$SYS/x', '\uFEFF', 'a/\u0001'])
      assert.equal(findTopicNameFault(name, LEVELS), undefined, name);
  });

  it('names what is wrong', () => {
    const faults: readonly (readonly [string, TopicFault])[] = [
      ['', TopicFault.Empty],
      ['a/+', TopicFault.Wildcard],
      ['a+b', TopicFault.Wildcard],
      ['#', TopicFault.Wildcard],
      ['a\0b', TopicFault.NullCharacter],
      ['a/\ud800', TopicFault.NotUtf8],
    ];
    for (const [name, fault] of faults) assert.equal(findTopicNameFault(name, LEVELS), fault, name);
  });

  it('counts bytes, not characters', () => {
    assert.ok(isValidTopicName('a'.repeat(MAX_TOPIC_BYTES), LEVELS));
    assert.equal(findTopicNameFault('a'.repeat(MAX_TOPIC_BYTES + 1), LEVELS), TopicFault.TooLong);
    assert.ok(isValidTopicName('€'.repeat(MAX_TOPIC_BYTES / 3), LEVELS));
    assert.equal(findTopicNameFault('€'.repeat(MAX_TOPIC_BYTES / 3 + 1), LEVELS), TopicFault.TooLong);
  });

  it('counts empty levels too', () => {
    assert.ok(isValidTopicName('a//', 3));
    assert.equal(findTopicNameFault('a///', 3), TopicFault.TooManyLevels);
  });
});

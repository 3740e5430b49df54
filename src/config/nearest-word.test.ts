import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearestWord } from './nearest-word.ts';

describe('nearestWord', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    const known = ['port', 'host', 'trustedNetworks'];
    assert.equal(nearestWord('prot', known), 'port');
    assert.equal(nearestWord('ports', known), 'port');
    assert.equal(nearestWord('trustednetwork', known), 'trustedNetworks');
    assert.equal(nearestWord('banana', known), undefined);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { welcomeText } from './welcome-text.ts';

describe('welcomeText', () => {
  const http = { name: 'http', address: 'http://0.0.0.0:5070' };

  it('shows what listens, and a line to try for each way in', () => {
    const text = welcomeText([{ name: 'mqtt', address: 'mqtt://127.0.0.1:1883' }, http]);
    assert.match(text, /^ {2}mqtt {2}mqtt:\/\/127\.0\.0\.1:1883\n {2}http {2}http:\/\/0\.0\.0\.0:5070$/m);
    assert.match(text, /^ {2}npx recado pub -t hello -m world$/m);
    assert.match(text, /^ {2}curl http:\/\/127\.0\.0\.1:5070\/api\/v1\/devices$/m);
  });

  it('says where the broker is when that is not the usual place', () => {
    const text = welcomeText([{ name: 'mqtt', address: 'mqtt://0.0.0.0:1884' }, http]);
    assert.match(text, /^ {2}npx recado pub -L mqtt:\/\/127\.0\.0\.1:1884\/hello -m world$/m);
  });

  it('shows no publish where there is no broker', () => {
    assert.doesNotMatch(welcomeText([http]), / pub /);
  });
});

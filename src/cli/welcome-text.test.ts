import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { welcomeText } from './welcome-text.ts';

describe('welcomeText', () => {
  const http = { name: 'http', address: 'http://0.0.0.0:5070' };

  it('shows what listens, and a line to try for each way in', () => {
    const text = welcomeText([{ name: 'mqtt', address: 'mqtt://127.0.0.1:1883' }, http], '/srv/data');
    assert.match(text, /^ {2}mqtt {2}mqtt:\/\/127\.0\.0\.1:1883\n {2}http {2}http:\/\/0\.0\.0\.0:5070$/m);
    assert.match(text, /^ {2}npx recado pub -t hello -m world {2}/m);
    assert.match(text, /^ {2}data {2}\/srv\/data$/m);
    assert.match(text, /^ {2}curl http:\/\/127\.0\.0\.1:5070\/api\/v1\/devices$/m);
  });

  it('says where the broker is when that is not the usual place', () => {
    const text = welcomeText([{ name: 'mqtt', address: 'mqtt://0.0.0.0:1884' }, http], '/srv/data');
    assert.match(text, /^ {2}npx recado pub -L mqtt:\/\/127\.0\.0\.1:1884\/hello -m world {2}/m);
  });

  it('says where the hub is to virtual devices and to people, when that is not the usual place', () => {
    const devices = (tcp: string, udp: string) => [
      { name: 'socket-tcp', address: `tcp://${tcp}` },
      { name: 'socket-udp', address: `udp://${udp}` },
    ];
    const usual = welcomeText([...devices('127.0.0.1:5050', '127.0.0.1:5060'), http], '/srv/data');
    assert.match(usual, /^ {2}npx recado simulate sensor {2}/m);
    assert.match(usual, /^ {2}npx recado manage {2}/m);
    const other = welcomeText(
      [...devices('[::1]:6050', '[::1]:6060'), { name: 'http', address: 'http://192.168.0.20:80' }],
      '/srv/data',
    );
    assert.match(other, /^ {2}npx recado simulate sensor --host ::1 --port 6050 --udp-port 6060 {2}/m);
    assert.match(other, /^ {2}npx recado manage http:\/\/192\.168\.0\.20:80 {2}/m);
  });

  it('shows no publish where there is no broker', () => {
    assert.doesNotMatch(welcomeText([http], undefined), / pub /);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { readBroker } from '../agent/service-agent-flags.ts';
import { readTarget } from './connection-flags.ts';

const command = new Command().exitOverride().configureOutput({ writeErr() {} });

describe('the address of -L', () => {
  it('is what every other part of Recado takes for one', () => {
    for (const [text, url, topic] of [
      ['mqtt://house/a//b', 'mqtt://house', 'a//b'],
      ['MQTT://house:7/', 'MQTT://house:7', undefined],
      ['WS://house/mqtt', 'WS://house/mqtt', undefined],
      ['mqtt+unix:/run/broker.sock', 'mqtt+unix:/run/broker.sock', undefined],
    ] as const) {
      const target = readTarget({ url: text }, command);
      assert.deepEqual([target.url, target.topic], [url, topic], text);
    }
    assert.deepEqual(readTarget({ url: 'MQTTS://house', insecure: true }, command).options.tls, {
      checksHostName: false,
    });
  });

  it('is told without its password where it is none', () => {
    for (const text of ['mqtt://ann:sec/ret@house', 'mqqt://ann:s@cret@house', 'mqtt:ann:secret@house'])
      assert.throws(
        () => readTarget({ url: text }, command),
        (error: Error) => /house" is no address/.test(error.message) && !/ann|sec|cret/.test(error.message),
        text,
      );
  });
});

it('an empty RECADO_BROKER says nothing to an agent of services', (t) => {
  const { RECADO_BROKER: before } = process.env;
  process.env['RECADO_BROKER'] = '';
  t.after(() => {
    if (before === undefined) delete process.env['RECADO_BROKER'];
    else process.env['RECADO_BROKER'] = before;
  });
  assert.equal(readBroker({}, command).url, 'mqtt://127.0.0.1:1883');
});

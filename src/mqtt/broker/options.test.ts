import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker } from './broker.ts';
import {
  DEFAULT_BROKER_OPTIONS,
  NUMBER_OPTIONS,
  resolveBrokerOptions,
  resolveListenerOptions,
} from './options.ts';

describe('the options of a broker', () => {
  for (const [name, { min, max }] of Object.entries(NUMBER_OPTIONS)) {
    it(`${name} is a whole number from ${min} to ${max}`, () => {
      for (const value of [min, max]) {
        assert.equal((resolveBrokerOptions({ [name]: value }) as Record<string, unknown>)[name], value);
      }
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, `${min}`, null, {}]) {
        // Above the largest safe integer there is no next one.
        if (value === max) continue;
        assert.throws(() => resolveBrokerOptions({ [name]: value }), {
          name: 'BrokerError',
          code: 'MQTT_OPTION_INVALID',
          message: new RegExp(`^${name} must be a whole number from ${min} to ${max}`, 'u'),
        });
      }
    });
  }

  it('every number has bounds, and a default within them', () => {
    for (const [name, value] of Object.entries(DEFAULT_BROKER_OPTIONS)) {
      if (typeof value !== 'number') continue;
      const bounds = NUMBER_OPTIONS[name];
      assert.ok(bounds !== undefined, `${name} has no bounds`);
      assert.ok(value >= bounds.min && value <= bounds.max, name);
    }
  });

  it('responseInformation is a text that a packet can hold', () => {
    for (const responseInformation of ['', 'answers/é', 'a'.repeat(65_535), undefined])
      assert.doesNotThrow(() => resolveBrokerOptions({ responseInformation }));
    for (const responseInformation of ['a\0b', '\uD800', 'a'.repeat(65_536), 'é'.repeat(32_768), 7, null]) {
      const fault = { code: 'MQTT_OPTION_INVALID', message: /^responseInformation must be a text/u };
      assert.throws(() => resolveBrokerOptions({ responseInformation } as object), fault);
      const listener = { name: 'x', responseInformation } as never;
      assert.throws(() => new Broker().acceptor(listener), fault);
    }
  });

  it('what is undefined is as if it were not there', () => {
    const defaults = resolveBrokerOptions({});
    const names = Object.keys(DEFAULT_BROKER_OPTIONS);
    const nothing = Object.fromEntries(names.map((name) => [name, undefined]));
    assert.deepEqual(resolveBrokerOptions(nothing as object), defaults);
    assert.deepEqual({ ...defaults, ...DEFAULT_BROKER_OPTIONS }, defaults);
  });

  it('a listener has its own where it says so, and those of the broker elsewhere', () => {
    const broker = resolveBrokerOptions({ maximumQos: 1, receiveMaximum: 7 });
    const options = resolveListenerOptions(
      { name: 'x', receiveMaximum: 9, maximumQos: undefined as never },
      broker,
    );
    assert.deepEqual([options.maximumQos, options.receiveMaximum], [1, 9]);
    assert.throws(() => resolveListenerOptions({ name: 'x', maxConnections: 0 }, broker), {
      code: 'MQTT_OPTION_INVALID',
    });
  });

  it('are checked when a broker and when an acceptor is made', () => {
    assert.throws(() => new Broker({ maximumQos: 3 as never }), { code: 'MQTT_OPTION_INVALID' });
    assert.throws(() => new Broker().acceptor({ name: 'x', topicAliasMaximum: 65_536 }), {
      code: 'MQTT_OPTION_INVALID',
    });
  });
});

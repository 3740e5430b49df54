import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Broker } from '../../mqtt/broker/broker.ts';
import { DEFAULT_BROKER_OPTIONS, NUMBER_OPTIONS } from '../../mqtt/broker/options.ts';
import { collectKeys } from '../../config/config-keys.ts';
import { ConfigSchema } from '../config/config-schema.ts';
import { defaultConfig } from '../config/hub-config.ts';
import { BROKER_OPTIONS } from '../config/sections/mqtt.ts';
import { brokerOptions } from './broker-options.ts';

const { mqtt } = defaultConfig();

describe('the options of the broker', () => {
  it('are those of the configuration, and its defaults are the broker’s', () => {
    assert.deepEqual(brokerOptions(mqtt), DEFAULT_BROKER_OPTIONS);
    assert.deepEqual([...BROKER_OPTIONS].sort(), Object.keys(DEFAULT_BROKER_OPTIONS).sort());
  });

  it('have nothing of the section beside them', () => {
    const changed = { ...mqtt, maxSessions: 7, maximumQos: 1, responseInformation: 'answers/' } as const;
    const options = brokerOptions(changed);
    assert.deepEqual(
      [options.maxSessions, options.maximumQos, options.responseInformation],
      [7, 1, 'answers/'],
    );
    assert.ok(!('passwordFile' in options) && !('tls' in options) && !('port' in options));
  });

  for (const name of BROKER_OPTIONS.filter((each) => NUMBER_OPTIONS[each] !== undefined)) {
    it(`${name} has the bounds of the broker, which takes both`, () => {
      const schema = collectKeys(ConfigSchema).find(({ path }) => path === `mqtt.${name}`)?.schema;
      for (const value of [schema?.minimum, schema?.maximum])
        assert.doesNotThrow(() => new Broker(brokerOptions({ ...mqtt, [name]: value })));
      assert.throws(() => new Broker({ [name]: (schema?.minimum ?? 0) - 1 }), {
        code: 'MQTT_OPTION_INVALID',
      });
    });
  }

  it('have a unit wherever they are a time or a size', () => {
    const units = new Map(collectKeys(ConfigSchema).map(({ path, schema }) => [path, schema.unit]));
    assert.equal(units.get('mqtt.connectTimeoutMs'), 'ms');
    assert.equal(units.get('mqtt.maxOutboxBytes'), 'bytes');
    assert.equal(units.get('mqtt.maximumPacketSize'), 'bytes');
    assert.equal(units.get('mqtt.serverKeepAlive'), 's');
    assert.equal(units.get('mqtt.maximumSessionExpiryInterval'), 's');
    assert.equal(units.get('mqtt.maxSessions'), undefined);
  });
});

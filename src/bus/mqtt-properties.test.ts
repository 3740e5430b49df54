import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageProperties } from './bus.ts';
import { fromMqttProperties, toMqttProperties } from './mqtt-properties.ts';

describe('properties in the form of MQTT.js', () => {
  it('are the same there and back', () => {
    const properties: MessageProperties = {
      payloadFormatIndicator: 0,
      messageExpiryInterval: 0,
      contentType: '',
      responseTopic: 'a',
      correlationData: Buffer.from([0]),
      userProperties: [
        ['b', '1'],
        ['a', ''],
        ['a', '2'],
        ['__proto__', 'x'],
      ],
    };
    assert.deepEqual(fromMqttProperties(toMqttProperties(properties)), properties);
    assert.deepEqual(toMqttProperties({}), {});
    assert.deepEqual(fromMqttProperties(undefined), {});
  });
});

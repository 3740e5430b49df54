import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeviceId } from '../../devices/description.ts';
import { collectKeys } from '../../config/config-keys.ts';
import { MASK, maskSecrets } from '../../config/mask-secrets.ts';
import { readValue } from '../../config/read-value.ts';
import { ConfigSchema } from './config-schema.ts';
import { defaultConfig } from './hub-config.ts';

const CONFIG_KEYS = collectKeys(ConfigSchema);

describe('the keys of the configuration', () => {
  it('have variables named after their path', () => {
    const variables = new Map(CONFIG_KEYS.map((key) => [key.path, key.variable]));
    assert.equal(variables.get('http.port'), 'RECADO_HTTP_PORT');
    assert.equal(variables.get('gateways.socket.trustedNetworks'), 'RECADO_GATEWAYS_SOCKET_TRUSTED_NETWORKS');
    assert.equal(variables.get('shutdownTimeoutMs'), 'RECADO_SHUTDOWN_TIMEOUT_MS');
    assert.equal(new Set(variables.values()).size, CONFIG_KEYS.length);
  });

  for (const { path, schema } of CONFIG_KEYS) {
    it(`${path} says what it means, and its default and bounds are allowed`, () => {
      assert.ok((schema.description ?? '').endsWith('.'), 'a description that is a sentence');
      assert.ok(readValue(schema.default, schema).ok);
      if (schema.minimum === undefined || schema.maximum === undefined) return;
      for (const [value, isGood] of [
        [schema.minimum, true],
        [schema.maximum, true],
        [schema.minimum - 1, false],
        [schema.maximum + 1, false],
      ] as const) {
        assert.equal(readValue(value, schema).ok, isGood, String(value));
      }
    });
  }

  it('take for a device id what the model takes', () => {
    const ids = ['a', 'greenhouse-1', 'a:b', '-a', 'a b', 'x'.repeat(64), 'x'.repeat(65), ''];
    const key = CONFIG_KEYS.find(({ path }) => path === 'gateways.socket.deviceTokens');
    for (const id of ids) {
      const isGood = key !== undefined && readValue({ [id]: '0123456789abcdef' }, key.schema).ok;
      assert.equal(isGood, isDeviceId(id), id);
    }
  });
});

describe('defaultConfig', () => {
  it('gives each caller an object of its own', () => {
    (defaultConfig().http.tokens as string[]).push('mine');
    assert.deepEqual(defaultConfig().http.tokens, []);
  });
});

describe('maskSecrets', () => {
  it('hides tokens, keeps the ids of devices, and leaves the original alone', () => {
    const config = defaultConfig();
    const socket = { ...config.gateways.socket, deviceTokens: { lamp: 'secret-of-the-lamp' } };
    const full = {
      ...config,
      http: { ...config.http, tokens: ['secret-of-a-caller'] },
      gateways: { socket },
    };
    const masked = maskSecrets(full, ConfigSchema);
    assert.deepEqual(masked.http.tokens, [MASK]);
    assert.deepEqual(masked.gateways.socket.deviceTokens, { lamp: MASK });
    assert.deepEqual(full.http.tokens, ['secret-of-a-caller']);
    assert.ok(!JSON.stringify(masked).includes('secret-of'));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mqttUserPrincipal } from '../../accounts/principal.ts';
import type { ApplicationMessage, ClientInfo } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { guardServiceTopics } from './topic-guard.ts';

const BASE = 'recado/services/billing';
const GONE = { by: 'lost', reasonCode: ReasonCode.SUCCESS, reason: 'it went' } as const;

function open(): Required<
  Pick<
    ReturnType<typeof guardServiceTopics>,
    | 'authorizeConnect'
    | 'authorizePublish'
    | 'authorizeReceive'
    | 'authorizeSubscribe'
    | 'onConnected'
    | 'onDisconnected'
  >
> {
  const agents = { ann: ['billing'], bob: ['billing'] };
  const rules = { topicPrefix: 'recado/services', agents, wantsProof: () => true };
  const identify = ({ userName }: ClientInfo) => mqttUserPrincipal(userName ?? '', 'password');
  return guardServiceTopics(rules, identify) as ReturnType<typeof open>;
}

function client(userName: string, clientId = 'box'): ClientInfo {
  const peer = { transport: 'tcp', address: '127.0.0.1', port: 1, certificate: undefined } as const;
  return { clientId, userName, protocolVersion: 5, peer, listener: 'mqtt' };
}

const announcement: ApplicationMessage = {
  topicName: `${BASE}/agents/box`,
  qos: 1,
  retain: true,
  payload: Buffer.from(''),
  properties: {},
};

describe('the topics of services', () => {
  it('a session without its connection takes no id of an agent', () => {
    const guard = open();
    const ann = client('ann');
    guard.onConnected(ann);
    assert.equal(guard.authorizePublish(ann, announcement).allow, true);
    guard.onDisconnected(ann, GONE);
    assert.equal(guard.authorizeReceive(ann, `${BASE}/agents/box/in/hub`), true);
    assert.deepEqual(guard.authorizeConnect(client('bob')), { allow: true });
  });

  it('a Will that comes with a CONNECT which is refused takes no id of an agent', () => {
    const guard = open();
    assert.equal(guard.authorizePublish(client('ann'), announcement).allow, true);
    assert.deepEqual(guard.authorizeConnect(client('bob')), { allow: true });
  });

  it('a Will takes the id of its agent when its client is connected, until that has gone', () => {
    const guard = open();
    const ann = client('ann');
    guard.authorizePublish(ann, announcement);
    guard.onConnected(ann);
    assert.equal(guard.authorizeConnect(client('bob')).allow, false);
    assert.equal(guard.authorizeReceive(client('bob'), `${BASE}/agents/box/in/hub`), false);
    guard.onDisconnected(ann, GONE);
    assert.equal(guard.authorizeConnect(client('bob')).allow, true);
  });
});

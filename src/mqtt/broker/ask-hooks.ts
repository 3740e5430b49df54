import { PacketType } from '../codec/control-packet.ts';
import { isReasonCodeOf, ReasonCode } from '../codec/reason-code.ts';
import { ASKED_STEPS } from '../topics/work-meter.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { Engine } from './engine.ts';
import { withinHookTimeout } from './hook-timeout.ts';
import { ALLOW, type ApplicationMessage, type ClientInfo, type ConnectVerdict } from './hooks.ts';
import type { Credentials, DenyingRule, Verdict } from './hooks.ts';

const FAILED: Verdict = Object.freeze({ allow: false, reasonCode: ReasonCode.UNSPECIFIED_ERROR });
const LATE: Verdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.SERVER_UNAVAILABLE,
  reasonString: 'the decision took too long',
});

/** A question that hooks are asked in turn, until one denies. */
type Question<H> = {
  readonly hook: 'authenticate' | 'authorizeSubscribe';
  /** The packet that tells a denial. */
  readonly answeredBy: PacketType;
  readonly late: Verdict;
  readonly ask: (hook: H) => ConnectVerdict | Promise<ConnectVerdict>;
  /** Told what a hook denied, not that it failed. */
  readonly onDenied?: (hook: H, rule: DenyingRule | undefined) => void;
};

/** Asks every authenticator; at once where they all answer at once. The promise never rejects. */
export function askConnectHooks(
  engine: Engine,
  hooks: CompiledHooks['authenticate'],
  credentials: Credentials,
  client: ClientInfo,
): ConnectVerdict | Promise<ConnectVerdict> {
  return askInTurn(engine, hooks, {
    hook: 'authenticate',
    answeredBy: PacketType.CONNACK,
    late: LATE,
    ask: (hook) => hook.authenticate(credentials, client),
  });
}

/** Asks every subscribe authorizer; at once where they all answer at once. The promise never rejects. */
export function askSubscribeHooks(
  engine: Engine,
  hooks: CompiledHooks['authorizeSubscribe'],
  client: ClientInfo,
  topicFilter: string,
): Verdict | Promise<Verdict> {
  return askInTurn(engine, hooks, {
    hook: 'authorizeSubscribe',
    answeredBy: PacketType.SUBACK,
    late: FAILED,
    ask: (hook) => {
      engine.work += ASKED_STEPS;
      return hook.authorizeSubscribe(client, topicFilter);
    },
    onDenied: ({ name }, rule) =>
      engine.denials.note(client, { act: 'subscribe', topic: topicFilter, hook: name, rule }),
  });
}

/** Asks every connect authorizer; the first denial wins, and a failure is one. */
export function askConnectAuthorizers(
  engine: Engine,
  hooks: CompiledHooks['authorizeConnect'],
  client: ClientInfo,
): Verdict {
  for (const hook of hooks) {
    try {
      const verdict = hook.authorizeConnect(client);
      if (verdict.allow) continue;
      engine.denials.note(client, { act: 'connect', hook: hook.name, rule: verdict.rule });
      return isDenialOf(PacketType.CONNACK, verdict.reasonCode) ? verdict : FAILED;
    } catch (error) {
      engine.tellHookFailure(hook.name, 'authorizeConnect', error);
      return FAILED;
    }
  }
  return ALLOW;
}

/** Asks every publish authorizer; the first denial wins, and a failure is one. */
export function askPublishHooks(
  engine: Engine,
  hooks: CompiledHooks['authorizePublish'],
  client: ClientInfo,
  message: ApplicationMessage,
): Verdict {
  for (const hook of hooks) {
    engine.work += ASKED_STEPS;
    try {
      const verdict = hook.authorizePublish(client, message);
      if (verdict.allow) continue;
      const { topicName: topic } = message;
      engine.denials.note(client, { act: 'publish', topic, hook: hook.name, rule: verdict.rule });
      return isDenialOf(PacketType.PUBACK, verdict.reasonCode) ? verdict : FAILED;
    } catch (error) {
      engine.tellHookFailure(hook.name, 'authorizePublish', error);
      return FAILED;
    }
  }
  return ALLOW;
}

/** Whether a packet can deny with that Reason Code, for instance [MQTT-3.2.2-8]. */
export function isDenialOf(type: PacketType, reasonCode: ReasonCode): boolean {
  return reasonCode >= 0x80 && isReasonCodeOf(type, reasonCode);
}

function askInTurn<H extends { readonly name: string }>(
  engine: Engine,
  hooks: readonly H[],
  question: Question<H>,
  first = 0,
  soFar: ConnectVerdict = ALLOW,
): ConnectVerdict | Promise<ConnectVerdict> {
  let known = soFar;
  for (let index = first; index < hooks.length; index++) {
    const answer = ask(engine, hooks[index]!, question);
    if (answer instanceof Promise) {
      return answer.then((verdict) =>
        verdict.allow ? askInTurn(engine, hooks, question, index + 1, merge(known, verdict)) : verdict,
      );
    }
    if (!answer.allow) return answer;
    known = merge(known, answer);
  }
  return known;
}

function ask<H extends { readonly name: string }>(
  engine: Engine,
  hook: H,
  { hook: asked, answeredBy, late, ask: askHook, onDenied }: Question<H>,
): ConnectVerdict | Promise<ConnectVerdict> {
  const fail = (error: unknown): Verdict => {
    engine.tellHookFailure(hook.name, asked, error);
    return FAILED;
  };
  // A Reason Code that the answer cannot have becomes one that it can.
  const check = (verdict: ConnectVerdict): ConnectVerdict => {
    if (verdict.allow) return verdict;
    if (verdict !== late) onDenied?.(hook, verdict.rule);
    if (isDenialOf(answeredBy, verdict.reasonCode)) return verdict;
    return { ...verdict, reasonCode: ReasonCode.NOT_AUTHORIZED };
  };
  try {
    const answer = askHook(hook);
    if (!(answer instanceof Promise)) return check(answer);
    return withinHookTimeout(engine, answer, late).then(check).catch(fail);
  } catch (error) {
    return fail(error);
  }
}

function merge(one: ConnectVerdict, other: ConnectVerdict): ConnectVerdict {
  return other.allow && other.userName !== undefined ? other : one;
}

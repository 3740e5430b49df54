import { isReasonCodeOf, ReasonCode } from '../codec/reason-code.ts';
import { PacketType } from '../codec/control-packet.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo, ConnectVerdict, Credentials } from './hooks.ts';
import { withinHookTimeout } from './hook-timeout.ts';

type Authenticators = CompiledHooks['authenticate'];

const ALLOWED: ConnectVerdict = Object.freeze({ allow: true });
const FAILED: ConnectVerdict = Object.freeze({ allow: false, reasonCode: ReasonCode.UNSPECIFIED_ERROR });
const LATE: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.SERVER_UNAVAILABLE,
  reasonString: 'the decision took too long',
});

/** Asks every authenticator; at once where they all answer at once. The promise never rejects. */
export function askConnectHooks(
  engine: Engine,
  hooks: Authenticators,
  credentials: Credentials,
  client: ClientInfo,
): ConnectVerdict | Promise<ConnectVerdict> {
  return askFrom(0, ALLOWED);

  function askFrom(first: number, soFar: ConnectVerdict): ConnectVerdict | Promise<ConnectVerdict> {
    let known = soFar;
    for (let index = first; index < hooks.length; index++) {
      const answer = ask(engine, hooks[index]!, credentials, client);
      if (answer instanceof Promise) {
        return answer.then((verdict) =>
          verdict.allow ? askFrom(index + 1, merge(known, verdict)) : verdict,
        );
      }
      if (!answer.allow) return answer;
      known = merge(known, answer);
    }
    return known;
  }
}

function ask(
  engine: Engine,
  hook: Authenticators[number],
  credentials: Credentials,
  client: ClientInfo,
): ConnectVerdict | Promise<ConnectVerdict> {
  try {
    const answer = hook.authenticate(credentials, client);
    if (!(answer instanceof Promise)) return checked(answer);
    return withinHookTimeout(engine, answer, LATE)
      .then(checked)
      .catch((error: unknown) => {
        engine.tellHookFailure(hook.name, 'authenticate', error);
        return FAILED;
      });
  } catch (error) {
    engine.tellHookFailure(hook.name, 'authenticate', error);
    return FAILED;
  }
}

/** A Reason Code that a CONNACK cannot have becomes one that it can. */
function checked(verdict: ConnectVerdict): ConnectVerdict {
  if (verdict.allow) return verdict;
  const isFit = verdict.reasonCode >= 0x80 && isReasonCodeOf(PacketType.CONNACK, verdict.reasonCode);
  return isFit ? verdict : { ...verdict, reasonCode: ReasonCode.NOT_AUTHORIZED };
}

function merge(one: ConnectVerdict, other: ConnectVerdict): ConnectVerdict {
  return other.allow && other.userName !== undefined ? other : one;
}

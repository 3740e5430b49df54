import { PacketType } from '../codec/control-packet.ts';
import { isReasonCodeOf, ReasonCode } from '../codec/reason-code.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import { ASKED_STEPS } from '../topics/work-meter.ts';
import type { Engine } from './engine.ts';
import { withinHookTimeout } from './hook-timeout.ts';
import { ALLOW, type ClientInfo, type Verdict } from './hooks.ts';

type Authorizers = CompiledHooks['authorizeSubscribe'];

const FAILED: Verdict = Object.freeze({ allow: false, reasonCode: ReasonCode.UNSPECIFIED_ERROR });

/** Asks every subscribe authorizer; at once where they all answer at once. The promise never rejects. */
export function askSubscribeHooks(
  engine: Engine,
  hooks: Authorizers,
  client: ClientInfo,
  topicFilter: string,
): Verdict | Promise<Verdict> {
  return askFrom(0);

  function askFrom(first: number): Verdict | Promise<Verdict> {
    for (let index = first; index < hooks.length; index++) {
      const answer = ask(engine, hooks[index]!, client, topicFilter);
      if (answer instanceof Promise) {
        return answer.then((verdict) => (verdict.allow ? askFrom(index + 1) : verdict));
      }
      if (!answer.allow) return answer;
    }
    return ALLOW;
  }
}

function ask(
  engine: Engine,
  hook: Authorizers[number],
  client: ClientInfo,
  topicFilter: string,
): Verdict | Promise<Verdict> {
  engine.work += ASKED_STEPS;
  try {
    const answer = hook.authorizeSubscribe(client, topicFilter);
    if (!(answer instanceof Promise)) return checked(answer);
    return withinHookTimeout(engine, answer, FAILED)
      .then(checked)
      .catch((error: unknown) => {
        engine.tellHookFailure(hook.name, 'authorizeSubscribe', error);
        return FAILED;
      });
  } catch (error) {
    engine.tellHookFailure(hook.name, 'authorizeSubscribe', error);
    return FAILED;
  }
}

/** A Reason Code that a SUBACK cannot have becomes one that it can. */
function checked(verdict: Verdict): Verdict {
  if (verdict.allow) return verdict;
  const isFit = verdict.reasonCode >= 0x80 && isReasonCodeOf(PacketType.SUBACK, verdict.reasonCode);
  return isFit ? verdict : { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED };
}

import { isReasonCodeOf, ReasonCode } from '../codec/reason-code.ts';
import { PacketType } from '../codec/control-packet.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import { ASKED_STEPS } from '../topics/work-meter.ts';
import type { Engine } from './engine.ts';
import { ALLOW, type ApplicationMessage, type ClientInfo, type Verdict } from './hooks.ts';

const FAILED: Verdict = Object.freeze({ allow: false, reasonCode: ReasonCode.UNSPECIFIED_ERROR });

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
      const isFit = verdict.reasonCode >= 0x80 && isReasonCodeOf(PacketType.PUBACK, verdict.reasonCode);
      return isFit ? verdict : FAILED;
    } catch (error) {
      engine.tellHookFailure(hook.name, 'authorizePublish', error);
      return FAILED;
    }
  }
  return ALLOW;
}

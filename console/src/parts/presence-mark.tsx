import type { Device } from '../../../src/client/index.ts';
import { link } from '../live.ts';
import { say, sayKnown } from '../words.ts';

/** Whether a device is there; hollow while the hub cannot tell. */
export function PresenceMark({ device }: { device: Device }) {
  const { status, reason } = device.presence;
  const isKnown = link.value.kind !== 'away';
  return (
    <span
      class={`mark ${isKnown && status === 'online' ? 'on' : 'off'}`}
      title={sayKnown(`reason.${reason}`) ?? reason}
    >
      {say(`presence.${status}`)}
    </span>
  );
}

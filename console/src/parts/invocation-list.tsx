import { useSignal } from '@preact/signals';
import { ClientError, type Command, type Invocation } from '../../../src/client/index.ts';
import {
  isUnended,
  sayState,
  titleOfCommand,
  toneOfState,
} from '../../../src/terminal/manage/invocation-words.ts';
import { sayTimestamp } from '../../../src/terminal/manage/time-words.ts';
import { sayFailure } from '../failure.ts';
import { now } from '../live.ts';
import { linkTo, place, query } from '../router.ts';
import { hub, may } from '../session.ts';
import { say, sayShared } from '../words.ts';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';

type Props = {
  readonly invocations: readonly Invocation[];
  /** Of the one device that all are of; without them they are of several, and each says of which. */
  readonly commands?: readonly Command[];
  readonly onRepeat?: (command: string) => void;
};

/** What was sent, the latest first; what has not ended can be cancelled. */
export function InvocationList({ invocations, ...shown }: Props) {
  const fault = useSignal<string | undefined>(undefined);
  const cancel = async (id: string): Promise<void> => {
    try {
      await hub().invocations.cancel(id);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      fault.value = sayFailure(error);
    }
  };
  if (invocations.length === 0) return <p class="dim">{say('invocations.none')}</p>;
  return (
    <>
      {fault.value !== undefined && <Notice tone="bad">{fault.value}</Notice>}
      <table class="grid">
        <thead>
          <tr>
            <th>{say('device.when')}</th>
            {shown.commands === undefined && <th>{say('devices.column.device')}</th>}
            <th>{say('device.command')}</th>
            <th>{say('device.state')}</th>
            <td class="number" />
          </tr>
        </thead>
        <tbody>
          {invocations.map((invocation) => (
            <InvocationRow
              key={invocation.id}
              invocation={invocation}
              onCancel={() => void cancel(invocation.id)}
              {...shown}
            />
          ))}
        </tbody>
      </table>
    </>
  );
}

type RowProps = Omit<Props, 'invocations'> & {
  readonly invocation: Invocation;
  readonly onCancel: () => void;
};

function InvocationRow({ invocation, commands, onRepeat, onCancel }: RowProps) {
  return (
    <tr>
      <td>
        <a href={linkToInvocation(invocation.id)}>{sayTimestamp(invocation.phases.accepted, now.value)}</a>
      </td>
      {commands === undefined && (
        <td>
          <a href={linkTo('devices', invocation.deviceId)}>
            <Said text={invocation.deviceId} />
          </a>
        </td>
      )}
      <td>
        <Said text={titleOfCommand(invocation, commands ?? [])} />
      </td>
      <td class={toneOfState(invocation)}>{sayState(invocation, sayShared, now.value)}</td>
      <td class="number">
        {may('command') && isUnended(invocation) && (
          <button class="quiet" onClick={onCancel}>
            {say('keys.stop')}
          </button>
        )}
        {may('command') && !isUnended(invocation) && onRepeat !== undefined && (
          <button class="quiet" onClick={() => onRepeat(invocation.command)}>
            {say('invocations.repeat')}
          </button>
        )}
      </td>
    </tr>
  );
}

/** With the filter that is set, where there is one. */
function linkToInvocation(id: string): string {
  const kept = place.value[0] === 'invocations' ? query.value : undefined;
  const wanted = new URLSearchParams(kept);
  wanted.set('id', id);
  return `${linkTo('invocations')}?${wanted}`;
}

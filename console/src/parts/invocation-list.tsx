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
import { hub, may } from '../session.ts';
import { say, sayShared } from '../words.ts';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';

/** What was sent to a device, the latest first; what has not ended can be cancelled. */
export function InvocationList(props: { invocations: readonly Invocation[]; commands: readonly Command[] }) {
  const { invocations, commands } = props;
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
            <th>{say('device.command')}</th>
            <th>{say('device.state')}</th>
            <td class="number" />
          </tr>
        </thead>
        <tbody>
          {invocations.map((invocation) => (
            <tr key={invocation.id}>
              <td class="dim">{sayTimestamp(invocation.phases.accepted, now.value)}</td>
              <td>
                <Said text={titleOfCommand(invocation, commands)} />
              </td>
              <td class={toneOfState(invocation)}>{sayState(invocation, sayShared, now.value)}</td>
              <td class="number">
                {isUnended(invocation) && may('command') && (
                  <button class="quiet" onClick={() => void cancel(invocation.id)}>
                    {say('keys.stop')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

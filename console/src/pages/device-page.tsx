import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ClientError, type DeviceDetails } from '../../../src/client/index.ts';
import { sayReason, titleOf } from '../../../src/terminal/manage/device-words.ts';
import { sayTimestamp } from '../../../src/terminal/manage/time-words.ts';
import { followDevice } from '../device-state.ts';
import { sayFailure } from '../failure.ts';
import { now } from '../live.ts';
import { CommandForm } from '../parts/command-form.tsx';
import { InvocationList } from '../parts/invocation-list.tsx';
import { Empty, Notice } from '../parts/notice.tsx';
import { NameForm } from '../parts/name-form.tsx';
import { PresenceMark } from '../parts/presence-mark.tsx';
import { ReadingList } from '../parts/reading-list.tsx';
import { Said } from '../parts/said.tsx';
import { goTo, linkTo, place } from '../router.ts';
import { hub, may } from '../session.ts';
import { say, sayShared } from '../words.ts';

/** One device, made from its description. */
export function DevicePage() {
  const deviceId = place.value[1] ?? '';
  const { state, end } = useMemo(() => followDevice(deviceId), [deviceId]);
  useEffect(() => end, [end]);
  useEffect(() => void (document.title = `${deviceId} · Recado`), [deviceId]);
  const device = state.device.value;
  const fault = state.fault.value;
  if (device === undefined)
    return <Empty text={fault === undefined ? say('console.loading') : sayFailure(fault)} />;
  if (device === 'unknown') return <Empty text={say('device.unknown', { id: deviceId })} />;
  const commands = state.commands.value;
  return (
    <div class="device">
      <Heading device={device} onChanged={(changed) => (state.device.value = changed)} />
      <section>
        <h2>{say('device.readings')}</h2>
        <ReadingList device={device} readings={state.readings.value} />
      </section>
      <section>
        <h2>{say('device.commands')}</h2>
        {commands.length === 0 && <p class="dim">{say('device.commands.none')}</p>}
        {commands.length > 0 && !may('command') && <p class="dim">{say('device.read.only')}</p>}
        {commands.map((command) => (
          <CommandForm key={command.name} deviceId={deviceId} command={command} />
        ))}
      </section>
      <section class="all">
        <h2>{say('invocations.title')}</h2>
        <InvocationList invocations={state.invocations.value} commands={commands} onRepeat={repeat} />
      </section>
    </div>
  );
}

/** What it was asked with is not kept: where there is something to fill in, that is for who repeats it. */
function repeat(command: string): void {
  const form = document.querySelector<HTMLFormElement>(`form[data-command="${CSS.escape(command)}"]`);
  const field = form?.querySelector<HTMLElement>('.field :is(input, select, textarea)');
  form?.scrollIntoView({ block: 'nearest' });
  if (field == null) form?.requestSubmit();
  else field.focus();
}

type HeadingProps = { device: DeviceDetails; onChanged: (device: DeviceDetails) => void };

function Heading({ device, onChanged }: HeadingProps) {
  const isEdited = useSignal(false);
  const { deviceId, presence, tags = [], model, gateway } = device;
  const title = titleOf(device);
  const time = sayTimestamp(presence.since, now.value);
  return (
    <header>
      <h1>
        <Said text={title === '' ? deviceId : title} />
      </h1>
      <p class="facts">
        <PresenceMark device={device} />
        <span>
          {sayReason(sayShared, presence.reason)}, {time}
        </span>
        <code>{deviceId}</code>
        {model !== null && model !== title && <Said text={model} />}
        <span>{gateway}</span>
        {tags.map((tag) => (
          <span key={tag} class="tag">
            <Said text={tag} />
          </span>
        ))}
        {device.description !== undefined && (
          <span>
            {say('device.version', {
              version: device.description.version,
              time: sayTimestamp(device.description.since, now.value),
            })}
          </span>
        )}
        {may('manage') && (
          <button
            class="quiet"
            aria-expanded={isEdited.value}
            onClick={() => (isEdited.value = !isEdited.value)}
          >
            {say('device.edit')}
          </button>
        )}
        {presence.status === 'offline' && may('manage') && <ForgetButton deviceId={deviceId} />}
      </p>
      {isEdited.value && (
        <NameForm
          device={device}
          onDone={(changed) => {
            isEdited.value = false;
            onChanged(changed);
          }}
        />
      )}
    </header>
  );
}

/** Asks once more before it does it. */
function ForgetButton({ deviceId }: { deviceId: string }) {
  const isSure = useSignal(false);
  const fault = useSignal<string | undefined>(undefined);
  const forget = async (): Promise<void> => {
    if (!isSure.value) {
      isSure.value = true;
      return;
    }
    try {
      await hub().devices.forget(deviceId);
      goTo(linkTo('devices'));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      fault.value = sayFailure(error);
    }
  };
  return (
    <>
      <button onClick={() => void forget()}>
        {isSure.value ? say('device.forget.ask', { id: deviceId }) : say('device.forget')}
      </button>
      {fault.value !== undefined && <Notice tone="bad">{fault.value}</Notice>}
    </>
  );
}

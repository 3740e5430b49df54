import { useSignal } from '@preact/signals';
import { ClientError, type DeviceDetails } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { keepDevice } from '../live.ts';
import { hub } from '../session.ts';
import { say } from '../words.ts';
import { Notice } from './notice.tsx';

type Props = { readonly device: DeviceDetails; readonly onDone: (changed: DeviceDetails) => void };

/** What people call a device, and sort it under. Without a title it is called what it calls itself. */
export function NameForm({ device: { deviceId, title, tags = [], description }, onDone }: Props) {
  const own = description?.title ?? '';
  const typedTitle = useSignal(title === null || title === own ? '' : title);
  const typedTags = useSignal(tags.join(', '));
  const fault = useSignal<string | undefined>(undefined);
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const wanted = typedTags.value.split(',').map((each) => each.trim());
    const named = typedTitle.value.trim();
    const change = { title: named === '' ? null : named, tags: wanted.filter((each) => each !== '') };
    try {
      const changed = await hub().devices.change(deviceId, change);
      keepDevice(changed);
      onDone(changed);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      fault.value = sayFailure(error);
    }
  };
  return (
    <form class="command-head" onSubmit={(event) => void save(event)}>
      <label class="field">
        <span>{say('devices.column.title')}</span>
        <input
          name="title"
          autofocus
          placeholder={own}
          value={typedTitle.value}
          onInput={({ currentTarget }) => (typedTitle.value = currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>{say('device.tags.how')}</span>
        <input
          name="tags"
          value={typedTags.value}
          onInput={({ currentTarget }) => (typedTags.value = currentTarget.value)}
        />
      </label>
      <button class="main">{say('device.save')}</button>
      {fault.value !== undefined && <Notice tone="bad">{fault.value}</Notice>}
    </form>
  );
}

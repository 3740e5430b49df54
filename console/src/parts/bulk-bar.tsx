import { useSignal } from '@preact/signals';
import type { Command } from '../../../src/client/index.ts';
import { bulk, cancelBulk, commandAll, forgetAll, tagAll, type Bulk } from '../bulk.ts';
import { sayFailure } from '../failure.ts';
import { saveCsv } from '../save-csv.ts';
import { selected } from '../selection.ts';
import { hub, may } from '../session.ts';
import { say } from '../words.ts';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';
import { useAsked } from './use-asked.ts';
import { useDrafts } from './use-drafts.tsx';

const MAX_SHOWN = 100;
type Act = 'command' | 'tags' | 'forget';

/** What can be done with the devices that were chosen, and what comes of it at each. */
export function BulkBar() {
  const act = useSignal<Act | undefined>(undefined);
  const ids = [...selected.value];
  const acts = (['command', 'tags', 'forget'] as const).filter((each) =>
    may(each === 'command' ? 'command' : 'manage'),
  );
  return (
    <section class="bulk" aria-label={say('bulk.title')}>
      {ids.length > 0 && (
        <div class="command-head">
          <span role="status">{say('bulk.selected', { count: ids.length })}</span>
          {acts.map((each) => (
            <button
              key={each}
              class="quiet"
              aria-expanded={act.value === each}
              onClick={() => (act.value = act.value === each ? undefined : each)}
            >
              {say(`bulk.${each}`)}
            </button>
          ))}
          <span class="room" />
          <button class="quiet" onClick={() => (selected.value = new Set())}>
            {say('bulk.none')}
          </button>
        </div>
      )}
      {ids.length > 0 && act.value === 'command' && <CommandPart key={ids[0]} ids={ids} />}
      {ids.length > 0 && act.value === 'tags' && <TagPart ids={ids} />}
      {ids.length > 0 && act.value === 'forget' && <ForgetPart ids={ids} />}
      {bulk.value !== undefined && <ResultList bulk={bulk.value} />}
    </section>
  );
}

/** The commands are those of the first; each device checks for itself what it is asked. */
function CommandPart({ ids }: { ids: readonly string[] }) {
  const { value, fault } = useAsked((signal) => hub().devices.commands(ids[0] ?? '', { signal }), [ids[0]]);
  const name = useSignal('');
  const commands = value.value ?? [];
  const command = commands.find((each) => each.name === name.value);
  return (
    <>
      {fault.value !== undefined && <Notice tone="bad">{sayFailure(fault.value)}</Notice>}
      <label class="field">
        <span>{say('device.command')}</span>
        <select value={name.value} onChange={({ currentTarget }) => (name.value = currentTarget.value)}>
          <option value="">{say('bulk.choose')}</option>
          {commands.map((each) => (
            <option key={each.name} value={each.name}>
              {each.title}
            </option>
          ))}
        </select>
      </label>
      {command !== undefined && <SendPart key={command.name} command={command} ids={ids} />}
    </>
  );
}

function SendPart({ command, ids }: { command: Command; ids: readonly string[] }) {
  const { check, fields } = useDrafts(command);
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = check();
    if (input.ok) void commandAll(ids, command.name, input.value);
  };
  return (
    <form class="command" onSubmit={send} noValidate>
      {fields}
      <button class="main">{say('bulk.send', { count: ids.length })}</button>
    </form>
  );
}

function TagPart({ ids }: { ids: readonly string[] }) {
  const tag = useSignal('');
  const change = (isGiven: boolean): void => {
    const wanted = tag.value.trim();
    if (wanted !== '') void tagAll(say('list.tags'), ids, wanted, isGiven);
  };
  return (
    <form
      class="command-head"
      onSubmit={(event) => {
        event.preventDefault();
        change(true);
      }}
    >
      <input
        aria-label={say('bulk.tag')}
        placeholder={say('bulk.tag')}
        value={tag.value}
        onInput={({ currentTarget }) => (tag.value = currentTarget.value)}
      />
      <button class="main">{say('bulk.tag.add')}</button>
      <button type="button" onClick={() => change(false)}>
        {say('bulk.tag.remove')}
      </button>
    </form>
  );
}

function ForgetPart({ ids }: { ids: readonly string[] }) {
  return (
    <div class="command-head">
      <span>{say('bulk.forget.ask')}</span>
      <button class="main" onClick={() => void forgetAll(say('bulk.forget'), ids)}>
        {say('bulk.forget.do', { count: ids.length })}
      </button>
    </div>
  );
}

function ResultList({ bulk: { title, total, state, results, fault } }: { bulk: Bulk }) {
  const failed = results.filter(({ isGood }) => !isGood).length;
  const rows = results.map(({ deviceId, isGood, said }) => ({
    deviceId,
    state: isGood ? 'completed' : 'failed',
    said,
  }));
  return (
    <div class="answer">
      <div class="command-head">
        <strong>
          <Said text={title} />
        </strong>
        <span role="status">
          {say('bulk.progress', { done: results.length, total, failed })}
          {state === 'cancelled' && ` · ${say('invocation.cancelled')}`}
        </span>
        <progress value={results.length} max={total} aria-label={title} />
        <span class="room" />
        {state === 'running' ? (
          <button onClick={cancelBulk}>{say('keys.stop')}</button>
        ) : (
          <>
            <button class="quiet" onClick={() => saveCsv('answers', rows)}>
              {say('list.csv')}
            </button>
            <button class="quiet" onClick={() => (bulk.value = undefined)}>
              {say('console.close')}
            </button>
          </>
        )}
      </div>
      {fault !== undefined && <p class="bad">{sayFailure(fault)}</p>}
      <ul class="results" tabIndex={0} aria-label={say('bulk.answers')}>
        {results
          .slice(-MAX_SHOWN)
          .toReversed()
          .map(({ deviceId, isGood, said }) => (
            <li key={deviceId}>
              <Said text={deviceId} />{' '}
              <span class={isGood ? 'good' : 'bad'}>
                {isGood && said === '' ? say('bulk.done') : <Said text={said} />}
              </span>
            </li>
          ))}
      </ul>
      {results.length > MAX_SHOWN && <small>{say('bulk.more', { count: results.length - MAX_SHOWN })}</small>}
    </div>
  );
}

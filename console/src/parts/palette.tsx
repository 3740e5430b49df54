import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { titleOf } from '../../../src/terminal/manage/device-words.ts';
import { devices } from '../live.ts';
import { NAMED_PAGES } from '../pages.ts';
import { goTo, linkTo } from '../router.ts';
import { say } from '../words.ts';
import { Said } from './said.tsx';

const MAX_FOUND = 12;

type Goal = { readonly label: string; readonly more: string; readonly href: string };

const isOpen = signal(false);
const typed = signal('');
const chosen = signal(0);

export function openPalette(): void {
  typed.value = '';
  chosen.value = 0;
  isOpen.value = true;
}

function findGoals(): Goal[] {
  const wanted = typed.value.trim().toLowerCase();
  const pages = NAMED_PAGES.map(({ path, title }) => ({ label: say(title), more: '', href: linkTo(path) }));
  const found = pages.filter(({ label }) => label.toLowerCase().includes(wanted));
  for (const device of devices.value) {
    if (found.length >= MAX_FOUND) break;
    const more = titleOf(device);
    if (!`${device.deviceId} ${more}`.toLowerCase().includes(wanted)) continue;
    found.push({
      label: device.deviceId,
      more,
      href: linkTo('devices', device.deviceId),
    });
  }
  return found;
}

function GoalList({ goals, at, onLeave }: { goals: readonly Goal[]; at: number; onLeave: () => void }) {
  return (
    <div id="goals" role="listbox" aria-label={say('console.go')}>
      {goals.map(({ label, more, href }, index) => (
        <a
          key={href}
          id={`goal-${index}`}
          role="option"
          aria-selected={index === at}
          href={href}
          tabIndex={-1}
          onClick={onLeave}
        >
          <Said text={label} />{' '}
          <small>
            <Said text={more} />
          </small>
        </a>
      ))}
    </div>
  );
}

/** Ctrl-K: any page or device by a few letters. */
export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal();
  }, [isOpen.value]);
  if (!isOpen.value) return null;
  const goals = findGoals();
  const at = Math.min(chosen.value, Math.max(0, goals.length - 1));
  const leave = (): void => void (isOpen.value = false);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const goal = goals[at];
    if (step === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    if (step !== undefined) chosen.value = (at + step + goals.length) % Math.max(1, goals.length);
    else if (goal !== undefined) {
      leave();
      goTo(goal.href);
    }
  };
  return (
    <dialog class="palette" ref={dialog} onClose={leave} aria-label={say('console.go')}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="goals"
        aria-activedescendant={goals.length > 0 ? `goal-${at}` : undefined}
        aria-label={say('console.go')}
        placeholder={say('console.go')}
        autofocus
        value={typed.value}
        onInput={({ currentTarget }) => {
          typed.value = currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <GoalList goals={goals} at={at} onLeave={leave} />
      {goals.length === 0 && <p class="dim">{say('console.go.none')}</p>}
    </dialog>
  );
}

import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { LANGUAGES } from '../../../src/terminal/language.ts';
import { titleOf } from '../../../src/terminal/manage/device-words.ts';
import { devices } from '../live.ts';
import { NAMED_PAGES } from '../pages.ts';
import { goTo, linkTo } from '../router.ts';
import { isSignedIn, signOut } from '../session.ts';
import { chosenLanguage, LANGUAGE_NAMES, theme, THEMES } from '../settings.ts';
import { say } from '../words.ts';
import { Said } from './said.tsx';

const MAX_FOUND = 12;

/** A place to go to, or something to do. */
type Goal = { readonly label: string; readonly more: string } & (
  | { readonly href: string; readonly act?: never }
  | { readonly act: () => void; readonly href?: never }
);

const isOpen = signal(false);
const typed = signal('');
const chosen = signal(0);

export function openPalette(): void {
  typed.value = '';
  chosen.value = 0;
  isOpen.value = true;
}

function listActs(): Goal[] {
  return [
    ...THEMES.map((each) => ({
      label: `${say('console.theme')}: ${say(`console.theme.${each}`)}`,
      more: '',
      act: () => void (theme.value = each),
    })),
    ...LANGUAGES.map((each) => ({
      label: `${say('console.language')}: ${LANGUAGE_NAMES[each]}`,
      more: '',
      act: () => void (chosenLanguage.value = each),
    })),
    ...(isSignedIn.value ? [{ label: say('sign.out'), more: '', act: () => void signOut() }] : []),
  ];
}

function findGoals(): Goal[] {
  const wanted = typed.value.trim().toLowerCase();
  const pages: Goal[] = NAMED_PAGES.map(({ path, title }) => ({
    label: say(title),
    more: '',
    href: linkTo(path),
  }));
  // What can be done is there for who looks for it.
  const named = wanted === '' ? pages : [...pages, ...listActs()];
  const found = named.filter(({ label }) => label.toLowerCase().includes(wanted));
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
      {goals.map(({ label, more, href, act }, index) => (
        <a
          key={href ?? label}
          id={`goal-${index}`}
          role="option"
          aria-selected={index === at}
          {...(href !== undefined && { href })}
          tabIndex={-1}
          onClick={() => {
            onLeave();
            act?.();
          }}
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

/** Ctrl-K: any page or device, and what can be done anywhere, by a few letters. */
export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  useLayoutEffect(() => {
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
      if (goal.act === undefined) goTo(goal.href);
      else goal.act();
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

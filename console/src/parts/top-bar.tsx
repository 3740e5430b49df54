import { link } from '../live.ts';
import { NAMED_PAGES } from '../pages.ts';
import { linkTo, place } from '../router.ts';
import { isSignedIn, session, signOut } from '../session.ts';
import { say } from '../words.ts';
import { openPalette } from './palette.tsx';
import { SettingsMenu } from './settings-menu.tsx';

export function TopBar() {
  const [current = 'devices'] = place.value;
  const who = session.value.kind === 'in' ? session.value.who : undefined;
  return (
    <header class="bar">
      <a class="brand" href={linkTo()}>
        Recado
      </a>
      <nav aria-label={say('console.nav')}>
        {NAMED_PAGES.map(({ path, title }) => (
          <a key={path} href={linkTo(path)} aria-current={current === path ? 'page' : undefined}>
            {say(title)}
          </a>
        ))}
      </nav>
      <span class="room" />
      <LinkMark />
      <button class="quiet" onClick={openPalette} aria-keyshortcuts="Control+K">
        {say('console.go')} <kbd>Ctrl K</kbd>
      </button>
      <SettingsMenu />
      {isSignedIn.value && (
        <button class="quiet" onClick={() => void signOut()} title={who?.principal}>
          {say('sign.out')}
        </button>
      )}
    </header>
  );
}

function LinkMark() {
  const isLive = link.value.kind === 'live';
  return (
    <span class={`mark ${isLive ? 'on' : 'off'}`} role="status">
      {say(isLive ? 'console.live' : link.value.kind === 'away' ? 'console.waiting' : 'console.loading')}
    </span>
  );
}

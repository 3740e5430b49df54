import { effect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { lazyPage } from './parts/lazy-page.tsx';
import { Palette } from './parts/palette.tsx';
import { Empty } from './parts/notice.tsx';
import { TopBar } from './parts/top-bar.tsx';
import { LinkNotices } from './parts/link-notices.tsx';
import { DevicesPage } from './pages/devices-page.tsx';
import { SignInPage } from './pages/sign-in-page.tsx';
import { place } from './router.ts';
import { askWho, session } from './session.ts';
import { say } from './words.ts';

const RETRY_MS = 2000;

const DevicePage = lazyPage(async () => (await import('./pages/device-page.tsx')).DevicePage);

/** What an address shows. The hub has the same list. */
function pageAt([first = 'devices', device, ...more]: readonly string[]): ComponentType | undefined {
  if (first !== 'devices' || more.length > 0) return undefined;
  return device === undefined ? DevicesPage : DevicePage;
}

// A hub that is starting, or away: it is asked again until it answers.
effect(() => {
  if (session.value.kind !== 'unreachable') return undefined;
  const timer = setTimeout(() => void askWho(), RETRY_MS);
  return () => clearTimeout(timer);
});

export function App() {
  const { kind } = session.value;
  if (kind === 'out') return <SignInPage />;
  if (kind !== 'in')
    return (
      <main>
        <Empty text={say(kind === 'asking' ? 'console.loading' : 'problem.unreachable')} />
      </main>
    );
  const Page = pageAt(place.value);
  return (
    <>
      <a class="skip" href="#page">
        {say('console.skip')}
      </a>
      <TopBar />
      <LinkNotices />
      <main id="page" tabIndex={-1}>
        {Page === undefined ? <Empty text={say('console.missing')} /> : <Page key={place.value.join('/')} />}
      </main>
      <Palette />
    </>
  );
}

import { effect } from '@preact/signals';
import { Palette } from './parts/palette.tsx';
import { Empty } from './parts/notice.tsx';
import { TopBar } from './parts/top-bar.tsx';
import { LinkNotices } from './parts/link-notices.tsx';
import { pageAt } from './pages.ts';
import { SignInPage } from './pages/sign-in-page.tsx';
import { place } from './router.ts';
import { askWho, session } from './session.ts';
import { say } from './words.ts';

const RETRY_MS = 2000;

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

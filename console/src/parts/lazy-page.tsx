import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { say } from '../words.ts';
import { Empty } from './notice.tsx';

const RETRY_MS = 2000;

/** A page whose code comes when somebody opens it; while the hub is away, it is asked for again. */
export function lazyPage(load: () => Promise<ComponentType>): ComponentType {
  const loaded = signal<{ readonly page: ComponentType } | undefined>(undefined);
  let isAsked = false;
  const ask = (): void => {
    isAsked = true;
    load().then(
      (page) => (loaded.value = { page }),
      () => setTimeout(ask, RETRY_MS),
    );
  };
  return function LazyPage() {
    if (!isAsked) ask();
    const Page = loaded.value?.page;
    return Page === undefined ? <Empty text={say('console.loading')} /> : <Page />;
  };
}

import type { ComponentType } from 'preact';
import { CONSOLE_PAGES, type ConsolePage } from '../../src/api/console-pages.ts';
import { DevicesPage } from './pages/devices-page.tsx';
import { lazyPage } from './parts/lazy-page.tsx';
import type { ConsoleMessage } from './words.ts';

type Page = {
  readonly show: ComponentType;
  /** What it is called in the bar and the palette; a page without is come to from another one. */
  readonly title?: ConsoleMessage;
};

/** What each address shows; all but the first view comes when somebody opens it. */
const PAGES: Readonly<Record<ConsolePage, Page>> = {
  devices: { show: DevicesPage, title: 'devices.title' },
  'devices/:deviceId': {
    show: lazyPage(async () => (await import('./pages/device-page.tsx')).DevicePage),
  },
  invocations: {
    show: lazyPage(async () => (await import('./pages/invocations-page.tsx')).InvocationsPage),
    title: 'invocations.title',
  },
  services: {
    show: lazyPage(async () => (await import('./pages/services-page.tsx')).ServicesPage),
    title: 'services.title',
  },
  topics: {
    show: lazyPage(async () => (await import('./pages/topics-page.tsx')).TopicsPage),
    title: 'topics.title',
  },
  clients: {
    show: lazyPage(async () => (await import('./pages/clients-page.tsx')).ClientsPage),
    title: 'clients.title',
  },
  health: {
    show: lazyPage(async () => (await import('./pages/health-page.tsx')).HealthPage),
    title: 'health.title',
  },
};

/** The pages that have a name of their own, in the order of the bar. */
export const NAMED_PAGES = CONSOLE_PAGES.flatMap((path) => {
  const { title } = PAGES[path];
  return title === undefined ? [] : [{ path, title }];
});

/** What an address shows: the first page where it names none. */
export function pageAt(place: readonly string[]): ComponentType | undefined {
  if (place.length === 0) return DevicesPage;
  const path = CONSOLE_PAGES.find((each) => {
    const parts = each.split('/');
    return (
      parts.length === place.length &&
      parts.every((part, index) => part.startsWith(':') || part === place[index])
    );
  });
  return path === undefined ? undefined : PAGES[path].show;
}

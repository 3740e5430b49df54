import { computed, signal } from '@preact/signals';

/** The address of `/ui/`, also behind a prefix. */
export const home = new URL('.', document.baseURI);

const address = signal(location.href);
addEventListener('popstate', () => (address.value = location.href));

/** Where in the console we are: `['devices', 'pump']`. */
export const place = computed<readonly string[]>(() => {
  const { pathname } = new URL(address.value);
  return pathname.slice(home.pathname.length).split('/').filter(Boolean).map(decodePart);
});
export const query = computed(() => new URL(address.value).searchParams);

export function linkTo(...parts: readonly string[]): string {
  return new URL(parts.map(encodeURIComponent).join('/'), home).href;
}

export function goTo(href: string): void {
  history.pushState(null, '', href);
  address.value = location.href;
  scrollTo(0, 0);
}

/** Changes what stands behind the `?`, without a step to come back to. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, '', url);
  address.value = url.href;
}

/** A click that stays in the console loads nothing anew. */
export function followLinks(root: HTMLElement): void {
  root.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || event.button !== 0 || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target !== '' || link.download !== '' || !link.href.startsWith(home.href)) return;
    event.preventDefault();
    goTo(link.href);
  });
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

import { computed, effect, signal } from '@preact/signals';
import { parseLanguage, type Language } from '../../src/terminal/language.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
/** Each as it calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', 'pt-BR': 'Português' };

const STORE = 'recado.console';

/** What the browser kept; nothing where it keeps nothing. */
function readKept(): { readonly theme?: unknown; readonly language?: unknown } {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? '{}') as object;
  } catch {
    return {};
  }
}

const kept = readKept();

export const theme = signal<Theme>(THEMES.find((each) => each === kept.theme) ?? 'auto');
const dark = matchMedia('(prefers-color-scheme: dark)');
const prefersDark = signal(dark.matches);
dark.addEventListener('change', () => (prefersDark.value = dark.matches));

/** What is shown: what was chosen, or what the system has now. */
export const shownTheme = computed<'light' | 'dark'>(() =>
  theme.value === 'auto' ? (prefersDark.value ? 'dark' : 'light') : theme.value,
);
/** Undefined: as the browser says. */
export const chosenLanguage = signal<Language | undefined>(parseLanguage(String(kept.language)));
export const language = computed<Language>(
  () => chosenLanguage.value ?? (/^pt\b/i.test(navigator.language) ? 'pt-BR' : 'en'),
);

/** Writes down what was chosen. Also after a sign-in, which clears what the browser kept. */
export function keepSettings(): void {
  try {
    localStorage.setItem(STORE, JSON.stringify({ theme: theme.value, language: chosenLanguage.value }));
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
}

effect(() => {
  document.documentElement.dataset['theme'] = shownTheme.value;
  document.documentElement.lang = language.value;
  keepSettings();
});

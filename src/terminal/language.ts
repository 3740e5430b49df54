/** The languages of the screens. */
export type Language = 'en' | 'pt-BR';

export const LANGUAGES: readonly Language[] = ['en', 'pt-BR'];

/**
 * The language that the environment asks for: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set, as
 * POSIX orders them. Portuguese of any country gives `pt-BR`; everything else gives `en`.
 */
export function detectLanguage(env: Readonly<Record<string, string | undefined>>): Language {
  for (const name of ['LC_ALL', 'LC_MESSAGES', 'LANG']) {
    const locale = env[name];
    if (locale !== undefined && locale !== '') return /^pt(?:$|[_.@-])/i.test(locale) ? 'pt-BR' : 'en';
  }
  return 'en';
}

/** Reads a language that somebody wrote, such as `pt`, `pt_BR` or `EN`; undefined when there is no such screen. */
export function parseLanguage(text: string): Language | undefined {
  const plain = text.trim().toLowerCase().replace('_', '-');
  if (plain === 'en' || plain.startsWith('en-')) return 'en';
  if (plain === 'pt' || plain === 'pt-br') return 'pt-BR';
  return undefined;
}

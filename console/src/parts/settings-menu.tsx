import { chosenLanguage, language, theme, type Theme } from '../settings.ts';
import { LANGUAGES, type Language } from '../../../src/terminal/language.ts';
import { say } from '../words.ts';

const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const NAMES: Readonly<Record<Language, string>> = { en: 'English', 'pt-BR': 'Português' };

/** How the console looks, and in which language it speaks. */
export function SettingsMenu() {
  return (
    <span class="settings">
      <select
        aria-label={say('console.language')}
        value={language.value}
        onChange={({ currentTarget }) => (chosenLanguage.value = currentTarget.value as Language)}
      >
        {LANGUAGES.map((each) => (
          <option key={each} value={each} lang={each}>
            {NAMES[each]}
          </option>
        ))}
      </select>
      <select
        aria-label={say('console.theme')}
        value={theme.value}
        onChange={({ currentTarget }) => (theme.value = currentTarget.value as Theme)}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {say(`console.theme.${each}`)}
          </option>
        ))}
      </select>
    </span>
  );
}

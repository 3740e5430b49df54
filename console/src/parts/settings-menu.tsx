import { chosenLanguage, language, LANGUAGE_NAMES, theme, THEMES, type Theme } from '../settings.ts';
import { LANGUAGES, type Language } from '../../../src/terminal/language.ts';
import { say } from '../words.ts';

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
            {LANGUAGE_NAMES[each]}
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

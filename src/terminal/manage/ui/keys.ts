/** One key that somebody pressed. */
export type Key = {
  readonly name:
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'pageUp'
    | 'pageDown'
    | 'home'
    | 'end'
    | 'enter'
    | 'escape'
    | 'tab'
    | 'backTab'
    | 'backspace'
    | 'delete'
    /** A character; `text` holds it. */
    | 'text'
    /** A pasted text. */
    | 'paste'
    /** Ctrl and the letter in `text`. */
    | 'ctrl';
  readonly text: string;
};

/** What Ink tells of a key besides its character. */
export type KeyFlags = {
  readonly upArrow: boolean;
  readonly downArrow: boolean;
  readonly leftArrow: boolean;
  readonly rightArrow: boolean;
  readonly pageUp: boolean;
  readonly pageDown: boolean;
  readonly home: boolean;
  readonly end: boolean;
  readonly return: boolean;
  readonly escape: boolean;
  readonly tab: boolean;
  readonly shift: boolean;
  readonly backspace: boolean;
  readonly delete: boolean;
  readonly ctrl: boolean;
  readonly meta: boolean;
};

type NamedFlag = Exclude<keyof KeyFlags, 'tab' | 'shift' | 'ctrl' | 'meta'>;

const NAMES: Readonly<Record<NamedFlag, Key['name']>> = {
  upArrow: 'up',
  downArrow: 'down',
  leftArrow: 'left',
  rightArrow: 'right',
  pageUp: 'pageUp',
  pageDown: 'pageDown',
  home: 'home',
  end: 'end',
  return: 'enter',
  escape: 'escape',
  backspace: 'backspace',
  delete: 'delete',
};

const segmenter = new Intl.Segmenter();

/**
 * Makes keys of what Ink reports. Several characters at once (a slow line, a fast hand) become one key each, so that
 * `12` and Enter mean the same however they arrive.
 */
export function readKeys(input: string, flags: KeyFlags): Key[] {
  if (flags.tab) return [{ name: flags.shift ? 'backTab' : 'tab', text: '' }];
  for (const [flag, name] of Object.entries(NAMES)) {
    if (flags[flag as NamedFlag]) return [{ name, text: '' }];
  }
  if (flags.ctrl) return [{ name: 'ctrl', text: input }];
  // Alt with a letter is nobody's shortcut here, and no text either.
  if (flags.meta) return [];
  return Array.from(segmenter.segment(input), ({ segment }) => readCharacter(segment)).filter(
    (key) => key !== undefined,
  );
}

function readCharacter(character: string): Key | undefined {
  if (character === '\r' || character === '\n' || character === '\r\n') return { name: 'enter', text: '' };
  if (character === '\t') return { name: 'tab', text: '' };
  if (character >= ' ') return { name: 'text', text: character };
  // Ctrl with a letter is the letter's number: 1 is Ctrl+A.
  const letter = String.fromCharCode(character.charCodeAt(0) + 0x60);
  return letter >= 'a' && letter <= 'z' ? { name: 'ctrl', text: letter } : undefined;
}

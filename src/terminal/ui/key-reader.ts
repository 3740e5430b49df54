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

/** An Esc that nothing follows for so long is the key itself, not the beginning of a sequence. */
const ESCAPE_MS = 30;
// oxlint-disable-next-line no-control-regex -- keys are such characters
const SEQUENCE = /^\u001b(?:\[([0-?]*)[ -/]*([@-~])|O([@-~])|[^\u0000-\u001f[O])/u;
const PASTE_START = '\u001b[200~';
const PASTE_END = '\u001b[201~';

/** What a sequence ends with; before `~` the number that tells it apart. */
const SEQUENCE_NAMES: Readonly<Record<string, Key['name']>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'backTab',
  '1~': 'home',
  '3~': 'delete',
  '4~': 'end',
  '5~': 'pageUp',
  '6~': 'pageDown',
  '7~': 'home',
  '8~': 'end',
};
const CHARACTER_NAMES: Readonly<Record<string, Key['name']>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\u007f': 'backspace',
};
const segmenter = new Intl.Segmenter();

/** Makes keys of what a terminal sends, however it is cut into pieces. */
export class KeyReader {
  readonly #onKey: (key: Key) => void;
  #rest = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onKey: (key: Key) => void) {
    this.#onKey = onKey;
  }

  take(input: string): void {
    clearTimeout(this.#timer);
    this.#rest += input;
    while (this.#rest !== '' && this.#readOne());
    if (this.#rest === '' || this.#rest.startsWith(PASTE_START)) return;
    this.#timer = setTimeout(() => {
      this.#rest = this.#rest.slice(1);
      this.#onKey({ name: 'escape', text: '' });
      this.take('');
    }, ESCAPE_MS);
  }

  /** What is not complete yet is not a key any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#rest = '';
  }

  /** Reads the first key; false when it has not come as a whole. */
  #readOne(): boolean {
    if (this.#rest.startsWith(PASTE_START)) return this.#readPaste();
    if (!this.#rest.startsWith('\u001b')) return this.#readCharacter();
    const [sequence, numbers = '', letter, short] = SEQUENCE.exec(this.#rest) ?? [];
    if (sequence === undefined) return this.#readEscape();
    this.#rest = this.#rest.slice(sequence.length);
    // Alt with a letter is nobody's shortcut here, and no text either.
    const name =
      SEQUENCE_NAMES[short ?? (letter === '~' ? `${Number.parseInt(numbers, 10)}~` : letter) ?? ''];
    if (name !== undefined) this.#onKey({ name, text: '' });
    return true;
  }

  #readPaste(): boolean {
    const end = this.#rest.indexOf(PASTE_END);
    if (end < 0) return false;
    const text = this.#rest.slice(PASTE_START.length, end);
    this.#rest = this.#rest.slice(end + PASTE_END.length);
    this.#onKey({ name: 'paste', text });
    return true;
  }

  /** Esc before another control character is a key of its own; else more may come. */
  #readEscape(): boolean {
    if (this.#rest.length === 1 || /^.[[O]/u.test(this.#rest)) return false;
    this.#rest = this.#rest.slice(1);
    this.#onKey({ name: 'escape', text: '' });
    return true;
  }

  #readCharacter(): boolean {
    const [{ segment } = { segment: '' }] = segmenter.segment(this.#rest);
    this.#rest = this.#rest.slice(segment.length);
    const key = readCharacter(segment);
    if (key !== undefined) this.#onKey(key);
    return true;
  }
}

function readCharacter(character: string): Key | undefined {
  const name = CHARACTER_NAMES[character[0] ?? ''];
  if (name !== undefined) return { name, text: '' };
  if (character >= ' ') return { name: 'text', text: character };
  // Ctrl with a letter is the letter's number: 1 is Ctrl+A.
  const letter = String.fromCharCode(character.charCodeAt(0) + 0x60);
  return letter >= 'a' && letter <= 'z' ? { name: 'ctrl', text: letter } : undefined;
}

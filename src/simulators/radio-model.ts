import type { PowerResult } from './sensor-model.ts';

/** Longer names of songs are cut. */
export const MAX_SONG_CHARACTERS = 200;

export type PlayerResult =
  | 'playing'
  | 'already-playing'
  | 'paused'
  | 'already-paused'
  | 'no-song'
  | 'radio-off';

/** An internet radio, without its connection: off at first, and without a song until one is chosen. */
export class RadioModel {
  #isOn: boolean;
  #song: string | undefined = undefined;
  #isPlaying = false;
  /** Called after each change, whoever made it. */
  onChange: () => void = () => {};

  constructor(options: { isOn?: boolean } = {}) {
    this.#isOn = options.isOn === true;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  get song(): string | undefined {
    return this.#song;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Plays the song, if there is one. */
  turnOn(): PowerResult {
    if (this.#isOn) return 'already-on';
    this.#isOn = true;
    this.#isPlaying = this.#song !== undefined;
    this.onChange();
    return 'turned-on';
  }

  /** Pauses. */
  turnOff(): PowerResult {
    if (!this.#isOn) return 'already-off';
    this.#isOn = false;
    this.#isPlaying = false;
    this.onChange();
    return 'turned-off';
  }

  /** Plays it at once if the radio is on; false, and nothing changes, when the name is empty. */
  setSong(song: string): boolean {
    const name = song.trim().slice(0, MAX_SONG_CHARACTERS);
    if (name === '') return false;
    this.#song = name;
    this.#isPlaying = this.#isOn;
    this.onChange();
    return true;
  }

  play(): PlayerResult {
    return this.#setPlaying(true, 'playing', 'already-playing');
  }

  pause(): PlayerResult {
    return this.#setPlaying(false, 'paused', 'already-paused');
  }

  #setPlaying(isPlaying: boolean, done: PlayerResult, already: PlayerResult): PlayerResult {
    if (this.#song === undefined) return 'no-song';
    if (!this.#isOn) return 'radio-off';
    if (this.#isPlaying === isPlaying) return already;
    this.#isPlaying = isPlaying;
    this.onChange();
    return done;
  }
}

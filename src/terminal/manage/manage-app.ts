import type { Clock, Timer } from '../../base/clock.ts';
import { ClientError } from '../../client/index.ts';
import type { Language } from '../language.ts';
import type { Desk, Screen } from './desk.ts';
import { HubSession } from './hub-session.ts';
import { createSay, type Say } from './messages.ts';
import { Poller } from './poller.ts';
import { ConnectScreen } from './screens/connect.ts';
import { HelpScreen } from './screens/help.ts';
import { TokenScreen } from './screens/token.ts';
import type { Area, Row } from '../ui/rows.ts';
import { bodyArea, drawFrame, type WindowSize } from './window-frame.ts';
import type { Key } from '../ui/key-reader.ts';

/** News from the hub are drawn at most four times a second; keys at once. */
const MIN_DRAW_GAP_MS = 250;
const NOTICE_MS = 5000;
/** How often a hub is asked whether it is there while the screen itself asks nothing, in ms. */
const HEALTH_POLL_MS = 1000;

export type ManageAppOptions = {
  /** Where the hub is; undefined: it asks. */
  readonly url: string | undefined;
  readonly defaultUrl: string;
  readonly token: string | undefined;
  readonly language: Language;
  readonly clock: Clock;
  readonly size: WindowSize;
  readonly onQuit: () => void;
};

/** The management application without a terminal: a stack of screens, keys in, rows out. */
export class ManageApp implements Desk {
  readonly say: Say;
  readonly language: Language;
  readonly clock: Clock;
  readonly session: HubSession;
  readonly #onQuit: () => void;
  readonly #health: Poller;
  readonly #screens: Screen[] = [];
  #size: WindowSize;
  #notice = '';
  #noticeTimer: Timer | undefined;
  #listeners = new Set<() => void>();
  #version = 0;
  #isTakingKey = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #drawTimer: Timer | undefined;

  constructor(options: ManageAppOptions) {
    this.say = createSay(options.language);
    this.language = options.language;
    this.clock = options.clock;
    this.#size = options.size;
    this.#onQuit = options.onQuit;
    const url = options.url ?? options.defaultUrl;
    this.session = new HubSession({ url, token: options.token, clock: options.clock });
    this.session.onTokenNeeded = () => this.#askForToken();
    this.#health = new Poller({
      periodMs: HEALTH_POLL_MS,
      clock: options.clock,
      run: (signal) => this.#askHealth(signal),
    });
    this.open(new ConnectScreen(this, { isAddressGiven: options.url !== undefined }));
  }

  get area(): Area {
    return bodyArea(this.#size);
  }

  /** For `useSyncExternalStore`: what changed is told through a number that grows. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly version = (): number => this.#version;

  draw(): readonly Row[] {
    const screen = this.#top;
    const titles =
      this.#screens.length === 1 ? [screen.title] : this.#screens.slice(1).map((item) => item.title);
    return drawFrame({
      size: this.#size,
      titles,
      screen,
      status: this.session.status,
      url: this.session.url,
      notice: this.#notice,
      say: this.say,
      now: this.clock.now(),
    });
  }

  resize(size: WindowSize): void {
    this.#size = size;
    this.#top.onResized?.();
    this.#draw();
  }

  onKey(key: Key): void {
    this.#isTakingKey = true;
    try {
      this.#takeKey(key);
    } finally {
      this.#isTakingKey = false;
      this.#draw();
    }
  }

  changed(): void {
    if (this.#isTakingKey || this.#drawTimer !== undefined) return;
    const waitMs = Math.max(0, this.#drawnAt + MIN_DRAW_GAP_MS - this.clock.monotonic());
    this.#drawTimer = this.clock.setTimer(waitMs, () => this.#draw());
  }

  open(screen: Screen): void {
    this.#screens.at(-1)?.onHidden?.();
    this.#show(screen);
  }

  replace(screen: Screen): void {
    this.#leaveTop();
    this.#show(screen);
  }

  back(): void {
    if (this.#screens.length === 1) return;
    this.#leaveTop();
    this.#showTop();
  }

  home(): void {
    while (this.#screens.length > 1) this.#leaveTop();
    this.#showTop();
  }

  notify(text: string): void {
    this.#notice = text;
    this.#noticeTimer?.clear();
    this.#noticeTimer = this.clock.setTimer(NOTICE_MS, () => {
      this.#notice = '';
      this.changed();
    });
    this.changed();
  }

  quit(): void {
    this.close();
    this.#onQuit();
  }

  /** Ends polling, timers and calls: nothing is drawn any more. */
  close(): void {
    this.#health.stop();
    for (const screen of this.#screens) {
      screen.onHidden?.();
      screen.onClosed?.();
    }
    this.#noticeTimer?.clear();
    this.#drawTimer?.clear();
    this.#listeners.clear();
  }

  get #top(): Screen {
    const screen = this.#screens.at(-1);
    if (screen === undefined) throw new Error('there is always a screen');
    return screen;
  }

  #leaveTop(): void {
    const screen = this.#screens.pop();
    screen?.onHidden?.();
    screen?.onClosed?.();
  }

  #show(screen: Screen): void {
    this.#screens.push(screen);
    this.#showTop();
  }

  #showTop(): void {
    const screen = this.#top;
    screen.onShown?.();
    if (screen.asksHub) this.#health.stop();
    else this.#health.start();
    this.changed();
  }

  /** The last line tells whether the hub is there, whatever is seen above it. */
  async #askHealth(signal: AbortSignal): Promise<void> {
    try {
      await this.session.call((client) => client.health({ signal }));
    } catch (error) {
      // The session has remembered it.
      if (!signal.aborted && !(error instanceof ClientError)) throw error;
    } finally {
      this.changed();
    }
  }

  #takeKey(key: Key): void {
    const screen = this.#top;
    if (key.name === 'ctrl' && key.text === 'c') return this.quit();
    if (key.name === 'ctrl' && key.text === 'g') return this.#openHelp(screen);
    if (!screen.isTyping && key.name === 'text') {
      if (key.text === 'q') return this.quit();
      if (key.text === '?') return this.#openHelp(screen);
    }
    if (screen.onKey(key)) return;
    if (key.name === 'escape' || (key.name === 'left' && !screen.isTyping)) this.back();
  }

  #openHelp(screen: Screen): void {
    if (screen.topic !== undefined) this.open(new HelpScreen(this, screen.topic));
  }

  #askForToken(): void {
    if (!(this.#top instanceof TokenScreen)) this.open(new TokenScreen(this));
  }

  #draw(): void {
    this.#drawTimer?.clear();
    this.#drawTimer = undefined;
    this.#drawnAt = this.clock.monotonic();
    this.#version++;
    for (const listener of this.#listeners) listener();
  }
}

import type { Timer } from '../../base/clock.ts';
import type { ClientError, HubEvent } from '../../client/index.ts';
import type { Language } from '../language.ts';
import { createSay, type Say } from '../messages.ts';
import { tellBlocks } from '../ui/blocks.ts';
import type { Key } from '../ui/key-reader.ts';
import { PageStack, type PageStackOptions } from '../ui/page-stack.ts';
import type { Area, Row } from '../ui/rows.ts';
import { explainFailure, failureBlocks } from './failure-words.ts';
import { HubFollower } from './hub-follower.ts';
import { HubSession, needsToken } from './hub-session.ts';
import type { ManagePage, PageContext } from './page-context.ts';
import { ConnectPage } from './pages/connect.ts';
import { HelpPage } from './pages/help.ts';
import { TokenPage } from './pages/token.ts';
import { bodyArea, drawWindow } from './window.ts';

const NOTICE_MS = 5000;
/** Times that pass are told to the second. */
const TICK_MS = 1000;

type ManageAppOptions = PageStackOptions & {
  /** Where the hub is; undefined: it asks. */
  readonly url: string | undefined;
  readonly defaultUrl: string;
  readonly token: string | undefined;
  readonly language: Language;
};

/** The management application without a terminal: its pages, the hub that they look at, what is said beside them. */
export class ManageApp extends PageStack<ManagePage> implements PageContext {
  readonly say: Say;
  readonly language: Language;
  readonly hub: HubSession;
  readonly #follower: HubFollower;
  readonly #ticker: Timer | undefined;
  /** The page whose events are followed: the one that is seen, or one below it. */
  #followed: ManagePage | undefined;
  area: Area = { columns: 80, rows: 24 };
  #notice = '';
  #noticeTimer: Timer | undefined;

  constructor(options: ManageAppOptions) {
    super(options);
    const { language, clock, token } = options;
    this.say = createSay(language);
    this.language = language;
    this.hub = new HubSession({ url: options.url ?? options.defaultUrl, token, clock });
    this.hub.onTokenNeeded = () => this.#askForToken();
    this.#follower = new HubFollower({
      hub: this.hub,
      clock,
      onEvent: (event) => this.#onEvent(event),
      onStale: () => this.#onStale(),
    });
    this.#ticker = options.isLive ? clock.setTicker(TICK_MS, () => this.changed()) : undefined;
    this.open(new ConnectPage(this, { isAddressGiven: options.url !== undefined }));
  }

  override draw(size: Area): readonly Row[] {
    this.area = bodyArea(size);
    const page = this.top;
    return page === undefined
      ? []
      : drawWindow({ size, page, titles: this.#titles, hub: this.hub, notice: this.#notice, say: this.say });
  }

  override onKey(key: Key): void {
    const isText = this.top?.isTyping !== true && key.name === 'text';
    if (isText && key.text === 'q') this.quit();
    else if ((isText && key.text === '?') || (key.name === 'ctrl' && key.text === 'g')) this.#openHelp();
    else super.onKey(key);
  }

  override async answer(text: string): Promise<boolean> {
    const help = this.top?.plainHelp;
    switch (help === undefined ? undefined : text.trim()) {
      case 'q':
        this.quit();
        return false;
      case 'b':
      case '0':
        this.back();
        return false;
      case '?':
        this.notify(['plain.help.heading' as const, ...(help ?? [])].map((key) => this.say(key)).join('\n'));
        return false;
      case '':
      case 'r':
        return true;
      default:
        return super.answer(text);
    }
  }

  notify(text: string): void {
    if (!this.isLive) return this.onTold(text);
    this.#notice = text;
    this.#noticeTimer?.clear();
    this.#noticeTimer = this.clock.setTimer(NOTICE_MS, () => {
      this.#notice = '';
      this.changed();
    });
    this.changed();
  }

  tellFailure(failure: ClientError): void {
    // Who asks is asked for a token by a page of its own.
    if (needsToken(failure)) return;
    const { say, clock } = this;
    this.notify(
      this.isLive
        ? explainFailure(failure, say, clock.now()).title
        : tellBlocks(failureBlocks(failure, this)),
    );
  }

  override quit(): void {
    this.#follower.stop();
    this.#ticker?.clear();
    this.#noticeTimer?.clear();
    super.quit();
  }

  /** The last line of the screen tells it; plain lines have none. */
  protected override onFailure(failure: ClientError): void {
    if (!this.isLive) this.tellFailure(failure);
  }

  protected override onShown(page: ManagePage): void {
    super.onShown(page);
    if (!this.isLive) return;
    const followed = this.pages.findLast(({ follows }) => follows !== undefined);
    if (followed === this.#followed) return;
    this.#followed = followed;
    if (followed?.follows === undefined) this.#follower.stop();
    else this.#follower.follow(followed.follows);
  }

  #onEvent(event: HubEvent): void {
    const page = this.#followed;
    const isAbout = 'deviceId' in event;
    if (isAbout && page?.onEvent?.(event) !== false) this.#onStale();
    this.changed();
  }

  #onStale(): void {
    if (this.#followed !== undefined) this.refresh(this.#followed);
    this.changed();
  }

  /** The way to the page that is seen. */
  get #titles(): readonly string[] {
    const titles = this.pages.map(({ title }) => title);
    return titles.length === 1 ? titles : titles.slice(1);
  }

  #openHelp(): void {
    const topic = this.top?.topic;
    if (topic !== undefined) this.open(new HelpPage(this, topic));
  }

  #askForToken(): void {
    if (!(this.top instanceof TokenPage)) this.open(new TokenPage(this));
  }
}

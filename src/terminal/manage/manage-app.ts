import type { Timer } from '../../base/clock.ts';
import type { ClientError } from '../../client/index.ts';
import type { Language } from '../language.ts';
import { createSay, type Say } from '../messages.ts';
import { tellBlocks } from '../ui/blocks.ts';
import type { Key } from '../ui/key-reader.ts';
import { PageStack, type PageStackOptions } from '../ui/page-stack.ts';
import { Poller } from '../ui/poller.ts';
import type { Area, Row } from '../ui/rows.ts';
import { explainFailure, failureBlocks } from './failure-words.ts';
import { HubSession, needsToken } from './hub-session.ts';
import type { ManagePage, PageContext } from './page-context.ts';
import { ConnectPage } from './pages/connect.ts';
import { HelpPage } from './pages/help.ts';
import { TokenPage } from './pages/token.ts';
import { bodyArea, drawWindow } from './window.ts';

const NOTICE_MS = 5000;
/** How often a hub is asked whether it is there while the page itself asks nothing, in ms. */
const HEALTH_POLL_MS = 1000;

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
  readonly #health: Poller;
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
    this.#health = new Poller({ periodMs: HEALTH_POLL_MS, clock, run: (signal) => this.#askHealth(signal) });
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
    this.#health.stop();
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
    if (page.pollMs === undefined) this.#health.start();
    else this.#health.stop();
  }

  /** The way to the page that is seen. */
  get #titles(): readonly string[] {
    const titles = this.pages.map(({ title }) => title);
    return titles.length === 1 ? titles : titles.slice(1);
  }

  /** The last line tells whether the hub is there, whatever is seen above it. */
  async #askHealth(signal: AbortSignal): Promise<void> {
    try {
      await this.hub.call((client) => client.health({ signal }), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.changed();
    }
  }

  #openHelp(): void {
    const topic = this.top?.topic;
    if (topic !== undefined) this.open(new HelpPage(this, topic));
  }

  #askForToken(): void {
    if (!(this.top instanceof TokenPage)) this.open(new TokenPage(this));
  }
}

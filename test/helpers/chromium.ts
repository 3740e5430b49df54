import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { until } from './until.ts';

/** Whether a browser is here; tests that need one are skipped where it is not. */
export const HAS_CHROMIUM = spawnSync('chromium', ['--version']).status === 0;

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--no-first-run',
  '--remote-debugging-port=0',
  // Every name is this machine.
  '--host-resolver-rules=MAP * 127.0.0.1',
];
const PAGE_MS = 30_000;

type Message = {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
};
type Waiter = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };

/** A headless Chromium, closed when the test ends; it is told what to do by the protocol of its developer tools. */
export class Browser {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;

  static async open(t: Pick<TestContext, 'after'>): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'recado-chromium-'));
    const words = [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'];
    const child = spawn('chromium', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const socket = new WebSocket(await readAddress(child));
    await once(socket, 'open');
    return new Browser(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#onMessage(JSON.parse(data.toString()) as Message));
  }

  async openPage(url: string): Promise<BrowserPage> {
    const { targetId } = (await this.send('Target.createTarget', { url: 'about:blank' })) as {
      targetId: string;
    };
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new BrowserPage(this, (attached as { sessionId: string }).sessionId);
    await page.goto(url);
    return page;
  }

  send(method: string, params: object, sessionId?: string): Promise<unknown> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #onMessage({ id, result, error }: Message): void {
    const waiter = this.#waiting.get(id ?? 0);
    if (waiter === undefined) return;
    this.#waiting.delete(id ?? 0);
    if (error === undefined) waiter.resolve(result);
    else waiter.reject(new Error(error.message));
  }
}

type Evaluated = {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
};

/** A tab. */
export class BrowserPage {
  readonly #browser: Browser;
  readonly #sessionId: string;

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  async goto(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
  }

  /** Something that the protocol of the developer tools has. */
  send(method: string, params: object): Promise<unknown> {
    return this.#browser.send(method, params, this.#sessionId);
  }

  /** @returns what a JavaScript expression comes to in the page, as JSON has it */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const answer = (await this.send('Runtime.evaluate', params)) as Evaluated;
    const { exceptionDetails } = answer;
    if (exceptionDetails === undefined) return answer.result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Waits until an expression is truthy; while a page loads, it may also fail. @returns what it came to */
  async waitFor(expression: string): Promise<unknown> {
    let value: unknown;
    const look = async (): Promise<boolean> => {
      value = await this.evaluate(expression).catch(() => undefined);
      return Boolean(value);
    };
    await until(`${expression} in the page`, look, PAGE_MS).catch(async (error: unknown) => {
      const shown = await this.evaluate('location.href + "\\n" + document.documentElement.outerHTML');
      throw new Error(String(shown).slice(0, 2000), { cause: error });
    });
    return value;
  }
}

async function readAddress(child: ChildProcess): Promise<string> {
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (part: string) => (text += part));
  const find = (): string | undefined => /DevTools listening on (ws:\S+)/.exec(text)?.[1];
  await until('Chromium', () => find() !== undefined || child.exitCode !== null, PAGE_MS);
  const address = find();
  if (address === undefined) throw new Error(`Chromium did not start: ${text}`);
  return address;
}

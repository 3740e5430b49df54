import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureConsole } from '../../scripts/build-console.mjs';
import type { Browser, BrowserPage } from './chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export type Look = {
  readonly language: 'en' | 'pt-BR';
  readonly theme: 'light' | 'dark';
  readonly width: 1280 | 360;
};

/** Every look that a page can have. */
export const LOOKS: readonly Look[] = (['en', 'pt-BR'] as const).flatMap((language) =>
  (['light', 'dark'] as const).flatMap((theme) =>
    ([1280, 360] as const).map((width) => ({ language, theme, width })),
  ),
);

/** What the hub serves, built where it is not. */
export async function buildConsole(): Promise<void> {
  assert.ok(await ensureConsole(), 'the console can be built');
}

/** A page of the console, in a look; scripts and styles that its policy refuses are kept in `window.refused`. */
export async function openConsole(browser: Browser, url: string, look: Look): Promise<BrowserPage> {
  const page = await browser.openPage('about:blank');
  await page.send('Page.enable', {});
  await page.send('Page.addScriptToEvaluateOnNewDocument', {
    source: `window.refused = [];
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, sourceFile, lineNumber }) =>
        refused.push([violatedDirective, sourceFile, lineNumber].join(' ')));
      Object.defineProperty(navigator, 'language', { get: () => ${JSON.stringify(look.language)} });`,
  });
  await changeLook(page, look);
  await page.goto(url);
  return page;
}

async function changeLook(page: BrowserPage, { theme, width }: Look): Promise<void> {
  const size = { width, height: width === 360 ? 740 : 800, deviceScaleFactor: 1, mobile: width === 360 };
  await page.send('Emulation.setDeviceMetricsOverride', size);
  const features = [{ name: 'prefers-color-scheme', value: theme }];
  await page.send('Emulation.setEmulatedMedia', { features });
}

/** Types into the field that has the focus, or that a selector finds. */
export async function typeInto(page: BrowserPage, selector: string, text: string): Promise<void> {
  await page.waitFor(`document.querySelector(${JSON.stringify(selector)})`);
  await page.evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`);
  await page.send('Input.insertText', { text });
}

/** Clicks what a selector finds, and whose text has these words. */
export async function clickOn(page: BrowserPage, selector: string, words = ''): Promise<void> {
  const find = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((each) => each.textContent.includes(${JSON.stringify(words)}))`;
  await page.waitFor(find.replace('.find(', '.some('));
  await page.evaluate(`${find}.click()`);
}

/** What everybody who cannot see or point needs, the policy kept, and nothing wider than the window. */
export async function assertSound(page: BrowserPage): Promise<void> {
  await page.evaluate(AXE);
  const found = await page.evaluate(
    `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join(' | ')))`,
  );
  assert.deepEqual(found, []);
  assert.deepEqual(await page.evaluate('refused'), []);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'it fits');
}

/** Where `CONSOLE_PICTURES` names a folder, a picture of the page, for people. */
export async function takePicture(page: BrowserPage, name: string): Promise<void> {
  const folder = process.env['CONSOLE_PICTURES'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const { data } = (await page.send('Page.captureScreenshot', { format: 'png' })) as { data: string };
  writeFileSync(join(folder, `${name}.png`), Buffer.from(data, 'base64'));
}

import { systemClock } from '../../base/clock.ts';
import type { Language } from '../language.ts';
import { hasScreen, runPages, type TerminalStreams } from '../ui/run-pages.ts';
import { DEFAULT_HUB_URL } from './hub-url.ts';
import { ManageApp } from './manage-app.ts';

type ManageOptions = TerminalStreams & {
  /** Where the hub is; undefined: the application asks. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly language: Language;
  /** Plain lines even where a screen is possible. */
  readonly isPlain: boolean;
};

/**
 * Runs the management application until somebody quits: on the whole screen of a terminal, else in plain lines.
 *
 * @returns whether that went well: plain lines that never came to a hub did not
 */
export async function runManage({
  url,
  token,
  language,
  isPlain,
  ...streams
}: ManageOptions): Promise<boolean> {
  const isLive = !isPlain && hasScreen(streams);
  const options = { url, token, language, isLive, defaultUrl: DEFAULT_HUB_URL, clock: systemClock };
  const app = new ManageApp(options);
  await runPages(app, streams);
  return isLive || !app.hub.isOutOfReach;
}

import { systemClock } from '../../base/clock.ts';
import { FullScreen, type ScreenContent } from '../ui/full-screen.ts';
import { DEFAULT_HUB_URL } from './hub-address.ts';
import { ManageApp } from './manage-app.ts';
import type { ManageOptions } from './run-manage.ts';

/** Shows the application in the whole terminal until somebody quits. */
export async function runScreens(options: ManageOptions): Promise<void> {
  const { url, token, language, stdin, stdout } = options;
  await new Promise<void>((resolve) => {
    const app = new ManageApp({
      url,
      defaultUrl: DEFAULT_HUB_URL,
      token,
      language,
      clock: systemClock,
      size: { columns: stdout.columns || 80, rows: stdout.rows || 24 },
      onQuit: () => {
        screen.close();
        resolve();
      },
    });
    const content: ScreenContent = {
      draw: () => app.draw(),
      onKey: (key) => app.onKey(key),
      onResize: (size) => app.resize(size),
      onHangUp: () => app.quit(),
    };
    const screen = new FullScreen(content, { stdin, stdout, clock: systemClock });
    app.subscribe(() => screen.changed());
  });
}

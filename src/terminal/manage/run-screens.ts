import { systemClock } from '../../base/clock.ts';
import { DEFAULT_HUB_URL } from './hub-address.ts';
import { ManageApp } from './manage-app.ts';
import type { ManageOptions } from './run-manage.ts';
import { openWindow } from './ui/window.ts';
import type { WindowSize } from './ui/frame.ts';

const FALLBACK_SIZE: WindowSize = { columns: 80, rows: 24 };

/** Shows the application in the whole terminal until somebody quits. */
export async function runScreens(options: ManageOptions): Promise<void> {
  const { stdin, stdout, env } = options;
  const size = (): WindowSize => ({
    columns: stdout.columns || FALLBACK_SIZE.columns,
    rows: stdout.rows || FALLBACK_SIZE.rows,
  });
  const app = new ManageApp({
    url: options.url,
    defaultUrl: DEFAULT_HUB_URL,
    token: options.token,
    language: options.language,
    clock: systemClock,
    size: size(),
    onQuit: () => window.close(),
  });
  const onResize = (): void => {
    app.resize(size());
    window.resized();
  };
  stdout.on('resize', onResize);
  const hasColors = (env['NO_COLOR'] ?? '') === '';
  const window = openWindow(app, { stdin, stdout, size, hasColors });
  try {
    await window.closed;
  } finally {
    stdout.off('resize', onResize);
    app.close();
  }
}

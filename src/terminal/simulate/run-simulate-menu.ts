import { systemClock } from '../../base/clock.ts';
import type { Language } from '../language.ts';
import { createSay } from '../messages.ts';
import { PageStack } from '../ui/page-stack.ts';
import { hasScreen, runPages, type TerminalStreams } from '../ui/run-pages.ts';
import { SimulatePage } from './simulate-page.ts';
import type { SimulatedDevice } from './simulated-device.ts';

type SimulateMenuOptions = TerminalStreams & {
  readonly language: Language;
  /** Settles when the program is asked to end. */
  readonly stopped: Promise<unknown>;
};

/** Runs the menu of a virtual device until somebody quits, or nobody is there any more. */
export async function runSimulateMenu(
  device: SimulatedDevice,
  { language, stopped, ...streams }: SimulateMenuOptions,
): Promise<void> {
  const stack = new PageStack({ clock: systemClock, isLive: hasScreen(streams) });
  stack.open(new SimulatePage(stack, device, createSay(language)));
  void stopped.then(() => stack.quit());
  await runPages(stack, streams);
}

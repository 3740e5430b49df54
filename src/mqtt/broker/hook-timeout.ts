import type { Engine } from './engine.ts';

/** The answer of a hook, or `late` when there is none within `hookTimeoutMs`. */
export function withinHookTimeout<T>(engine: Engine, answer: Promise<T>, late: T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = engine.clock.setTimer(engine.options.hookTimeoutMs, () => {
      engine.stats.hookTimeouts++;
      resolve(late);
    });
    answer.then(
      (value) => {
        timer.clear();
        resolve(value);
      },
      (error: unknown) => {
        timer.clear();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

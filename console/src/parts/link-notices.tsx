import { sayTime } from '../../../src/terminal/manage/time-words.ts';
import { gap, link, now } from '../live.ts';
import { say } from '../words.ts';
import { Notice } from './notice.tsx';

/** That the hub is away, and that something was not seen. */
export function LinkNotices() {
  const current = link.value;
  const lost = gap.value;
  const time = (ms: number): string => sayTime(ms, now.peek());
  return (
    <>
      {current.kind === 'away' && (
        <Notice tone="warn">{say('console.away', { time: time(current.sinceMs) })}</Notice>
      )}
      {lost !== undefined && (
        <Notice>
          {say('console.gap', { from: time(lost.fromMs), to: time(lost.toMs) })}
          <button class="quiet" onClick={() => (gap.value = undefined)}>
            {say('console.close')}
          </button>
        </Notice>
      )}
    </>
  );
}

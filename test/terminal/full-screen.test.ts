import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import { FullScreen } from '../../src/terminal/ui/full-screen.ts';
import type { Row } from '../../src/terminal/ui/rows.ts';

/** A terminal that keeps what is written, and its mode. */
class FakeTerminal {
  readonly stdin = Object.assign(new PassThrough(), {
    isRaw: false,
    setRawMode(isRaw: boolean): unknown {
      this.isRaw = isRaw;
      return this;
    },
  });
  readonly stdout = Object.assign(new EventEmitter(), {
    columns: 20,
    rows: 4,
    written: '',
    hasColors: () => true,
    write(text: string): boolean {
      this.written += text;
      return true;
    },
  });

  /** What was written since this was asked last. */
  take(): string {
    const { written } = this.stdout;
    this.stdout.written = '';
    return written;
  }

  get streams(): { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream } {
    return {
      stdin: this.stdin as unknown as NodeJS.ReadStream,
      stdout: this.stdout as unknown as NodeJS.WriteStream,
    };
  }
}

describe('FullScreen', () => {
  let terminal: FakeTerminal;
  let clock: ManualClock;
  let screen: FullScreen;
  let rows: Row[];
  let draws: number;

  beforeEach(() => {
    terminal = new FakeTerminal();
    clock = new ManualClock();
    rows = [[{ text: 'one' }], [{ text: 'two', tone: 'good' }]];
    draws = 0;
    const content = {
      draw: () => {
        draws++;
        return rows;
      },
      onKey: () => {},
      onHangUp: () => {},
    };
    screen = new FullScreen(content, { ...terminal.streams, clock });
  });
  afterEach(() => screen.close());

  test('draws rows, and later only those that changed', () => {
    assert.match(terminal.take(), /\[1;1H\S*one.*\[2;1H\S*\[32mtwo/);
    rows = [[{ text: 'one' }], [{ text: 'three' }]];
    screen.changed();
    clock.advance(250);
    assert.equal(terminal.take(), '\u001b[?25l\u001b[2;1H\u001b[2Kthree');
    screen.changed();
    clock.advance(250);
    assert.equal(terminal.take(), '', 'nothing changed');
  });

  test('draws news at most four times a second, keys at once', () => {
    for (let calls = 0; calls < 200; calls++) screen.changed();
    clock.advance(249);
    assert.equal(draws, 1);
    clock.advance(1);
    assert.equal(draws, 2);
    terminal.stdin.emit('data', 'x');
    assert.equal(draws, 3);
  });

  test('draws everything anew in another size, and as much as fits', () => {
    terminal.take();
    terminal.stdout.rows = 1;
    terminal.stdout.emit('resize');
    const drawn = terminal.take();
    assert.match(drawn, /\[2J.*one/);
    assert.doesNotMatch(drawn, /two/);
  });

  test('shows the cursor where somebody types', () => {
    rows = [[{ text: '水 ' }, { text: ' ', tone: 'cursor' }]];
    terminal.stdin.emit('data', 'x');
    assert.ok(terminal.take().endsWith('\u001b[1;4H\u001b[?25h'));
  });

  test('gives the terminal back, and waits for nothing any more', () => {
    assert.ok(terminal.stdin.isRaw);
    screen.changed();
    screen.close();
    assert.ok(!terminal.stdin.isRaw);
    assert.ok(terminal.take().endsWith('\u001b[?25h\u001b[?1049l'));
    assert.equal(clock.pending, 0);
  });
});

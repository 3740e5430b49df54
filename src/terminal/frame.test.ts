import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOut, type Prompt } from './frame.ts';
import type { View } from './screen.ts';

const VIEW: View = {
  title: 'Sensor',
  status: [
    { text: 'Connected: DE1', tone: 'good' },
    { text: 'On, 25°C', tone: 'plain' },
  ],
  choices: [
    { key: '1', label: 'Connect' },
    { key: '2', label: 'Disconnect' },
    { key: '3', label: 'Turn on' },
    { key: '0', label: 'Quit' },
  ],
  message: { lines: ['ID: DE1', 'Status: On'], tone: 'bad' },
  prompt: 'Press a number:',
};
const MENU: Prompt = { question: VIEW.prompt, typed: '' };

function texts(size: { rows: number; columns: number }, prompt = MENU, view = VIEW): string[] {
  return layOut(view, prompt, size).map(({ text }) => text);
}

test('a large terminal shows everything with air between, the prompt last', () => {
  assert.deepEqual(texts({ rows: 24, columns: 80 }), [
    'Sensor',
    'Connected: DE1',
    'On, 25°C',
    '',
    '  1  Connect',
    '  2  Disconnect',
    '  3  Turn on',
    '  0  Quit',
    '',
    'ID: DE1',
    'Status: On',
    '',
    'Press a number: ',
  ]);
  const looks = layOut(VIEW, MENU, { rows: 24, columns: 80 }).map(({ look }) => look);
  assert.deepEqual(looks.slice(0, 3), ['title', 'good', 'plain']);
  assert.deepEqual(looks.slice(9, 11), ['bad', 'bad']);
});

test('a choice that would change nothing now is dim', () => {
  const choices = VIEW.choices.map((choice) => ({ ...choice, isIdle: choice.key === '2' }));
  const looks = layOut({ ...VIEW, choices }, MENU, { rows: 24, columns: 80 }).map(({ look }) => look);
  assert.deepEqual(looks.slice(4, 8), ['plain', 'dim', 'plain', 'plain']);
});

test('a smaller one loses the air, then sets the menu closer, then loses rows; never the prompt', () => {
  assert.deepEqual(texts({ rows: 10, columns: 80 }).slice(3, 8), [
    '  1  Connect',
    '  2  Disconnect',
    '  3  Turn on',
    '  0  Quit',
    'ID: DE1',
  ]);
  const seven = [
    'Connected: DE1',
    'On, 25°C',
    '1 Connect   2 Disconnect   3 Turn on',
    '0 Quit',
    'ID: DE1',
    'Status: On',
  ];
  assert.deepEqual(texts({ rows: 8, columns: 40 }), ['Sensor', ...seven, 'Press a number: ']);
  assert.deepEqual(texts({ rows: 7, columns: 40 }), [...seven, 'Press a number: ']);
  assert.deepEqual(texts({ rows: 6, columns: 40 }), [...seven.toSpliced(4, 1), 'Press a number: ']);
  for (let rows = 1; rows <= 24; rows++) {
    for (const columns of [1, 2, 5, 20, 80]) {
      const frame = texts({ rows, columns });
      assert.ok(frame.length <= rows, `${rows} rows`);
      assert.ok(
        frame.every((line) => Array.from(line).length <= columns),
        `${columns} columns`,
      );
    }
    assert.equal(texts({ rows, columns: 80 }).at(-1), 'Press a number: ');
  }
});

test('long rows are cut, and the end of what is typed stays visible', () => {
  const long: View = { ...VIEW, status: [{ text: 'x'.repeat(100), tone: 'plain' }] };
  assert.equal(texts({ rows: 24, columns: 20 }, MENU, long)[1], `${'x'.repeat(19)}…`);
  const prompt = { question: 'Song:', typed: 'a very long name of a song' };
  assert.equal(texts({ rows: 24, columns: 20 }, prompt).at(-1), '…ong name of a song');
});

test('what came from elsewhere cannot move the cursor or turn the writing', () => {
  const evil: View = { ...VIEW, status: [{ text: 'a\x1b[2Jb\rc\nd\u202ee\x9bf', tone: 'plain' }] };
  assert.equal(texts({ rows: 24, columns: 80 }, MENU, evil)[1], 'a [2Jb c d e f');
});

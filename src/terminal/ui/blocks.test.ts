import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawBlocks } from './blocks.ts';
import { layOut } from './rows.ts';

test('a label that is too long for its column does not run into what it names', () => {
  const area = { columns: 30, rows: 9 };
  const facts = [
    { label: 'What the device said of it', text: 'no' },
    { label: 'On', text: 'yes' },
  ];
  const drawn = drawBlocks([{ kind: 'facts', facts }], area).map((row) =>
    layOut(row, area.columns)
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
  assert.deepEqual(drawn, ['What the de…  no', 'On            yes']);
});

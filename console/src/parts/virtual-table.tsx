import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** As in style.css. */
const ROW_PX = 34;
const MORE_ROWS = 8;

export type Column<Row> = {
  readonly name: string;
  /** What it is sorted by; without, what stands in the head is no button. */
  readonly title?: string;
  readonly head?: ComponentChildren;
  /** A class: `wide` takes what is left, `late` is not there on phones. */
  readonly kind: string;
  readonly cell: (row: Row) => ComponentChildren;
};

type Sorting = { readonly by: string; readonly isDown: boolean };

/** A table of any length, of which only the rows that are seen are there. */
export function VirtualTable<Row>(props: {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  sorting: Sorting;
  onSort: (by: string) => void;
}) {
  const { rows, columns, keyOf, sorting } = props;
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    const observer = new ResizeObserver(() => (height.value = box.current?.clientHeight ?? 600));
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - MORE_ROWS);
  const shown = rows.slice(first, Math.ceil((top.value + height.value) / ROW_PX) + MORE_ROWS);
  return (
    <div
      class="table"
      role="table"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      ref={box}
      onScroll={({ currentTarget }) => (top.value = currentTarget.scrollTop)}
    >
      <Heads columns={columns} sorting={sorting} onSort={props.onSort} />
      <div role="rowgroup" class="rows" style={{ height: `${rows.length * ROW_PX}px` }}>
        {shown.map((row, index) => (
          <div
            key={keyOf(row)}
            role="row"
            class="row"
            aria-rowindex={first + index + 2}
            style={{ transform: `translateY(${(first + index) * ROW_PX}px)` }}
          >
            {columns.map(({ name, kind, cell }) => (
              <span key={name} role="cell" class={kind}>
                {cell(row)}
              </span>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

function Heads(props: {
  columns: readonly Omit<Column<never>, 'cell'>[];
  sorting: Sorting;
  onSort: (by: string) => void;
}) {
  return (
    <div role="rowgroup" class="heads">
      <div role="row" class="row" aria-rowindex={1}>
        {props.columns.map(({ name, title, kind, head }) => (
          <span
            key={name}
            role="columnheader"
            class={kind}
            aria-sort={title === undefined ? undefined : ariaSort(props.sorting, name)}
          >
            {title === undefined ? (
              head
            ) : (
              <button class="head" onClick={() => props.onSort(name)}>
                {title}
              </button>
            )}
          </span>
        ))}
      </div>
    </div>
  );
}

function ariaSort({ by, isDown }: Sorting, name: string): 'ascending' | 'descending' | 'none' {
  if (by !== name) return 'none';
  return isDown ? 'descending' : 'ascending';
}

import type { ComponentChildren } from 'preact';

/** Numbers with their names, side by side. */
export function Numbers({
  facts,
}: {
  facts: readonly (readonly [title: string, value: ComponentChildren])[];
}) {
  return (
    <dl class="numbers">
      {facts.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

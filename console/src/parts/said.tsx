import { escapeUnseen } from '../../../src/base/printable-text.ts';

/** What somebody else wrote: as text, turning nothing around it, and with what is not seen made visible. */
export function Said({ text }: { text: string }) {
  return <bdi>{escapeUnseen(text)}</bdi>;
}

/**
 * Writes a JSON value as Python's `repr` writes it: `{'Válido': True}`. Existing hubs of version 1 evaluate what
 * devices send as Python, where JSON's `true`, `false` and `null` are not known.
 *
 * @throws {TypeError} when the value is no JSON value: a function, a bigint, a number that is not finite
 */
export function writePythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return writeText(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(writePythonLiteral).join(', ')}]`;
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} cannot be sent`);
  if ('toJSON' in value && typeof value.toJSON === 'function') return writePythonLiteral(value.toJSON());
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${writeText(name)}: ${writePythonLiteral(member)}`).join(', ')}}`;
}

/** Control characters, line separators, and lone halves of surrogate pairs: UTF-8 has no bytes for those. */
const NEEDS_ESCAPE = /[\\'\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;
const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Single quotes, or double ones where that saves an escape: as Python does. */
function writeText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(NEEDS_ESCAPE, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    return NAMED[character] ?? escapeCode(character.charCodeAt(0));
  });
  return quote + escaped + quote;
}

function escapeCode(code: number): string {
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { escapeLine } from '../base/printable-text.ts';
import { fail, succeed, type Result } from '../base/result.ts';

/** A password in MQTT has no more bytes (MQTT 5.0 section 1.5.6). */
const MAX_PASSWORD_BYTES = 65_535;

/**
 * A new password: asked for twice at a terminal, without showing it; else the first line of the input. Never an
 * argument, which everybody on the machine could read.
 *
 * @returns why there is none, for people
 */
export function askNewPassword(user: string): Promise<Result<string, string>> {
  return process.stdin.isTTY ? askTwice(user) : readLine();
}

async function askTwice(user: string): Promise<Result<string, string>> {
  const nothingShown = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: nothingShown,
    terminal: true,
    historySize: 0,
  });
  lines.once('SIGINT', () => lines.close());
  // The iterator keeps lines that come before they are asked for.
  const iterator = lines[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string | undefined> => {
    process.stderr.write(escapeLine(question));
    const { done, value } = await iterator.next();
    process.stderr.write('\n');
    return done === true ? undefined : value;
  };
  try {
    const password = await ask(`New password of ${user}: `);
    if (password === undefined) return fail('given up, nothing was changed');
    const fault = findPasswordFault(password);
    if (fault !== undefined) return fail(fault);
    const again = await ask('Once more: ');
    if (again === undefined) return fail('given up, nothing was changed');
    return again === password
      ? succeed(password)
      : fail('these were two different passwords, nothing was changed');
  } finally {
    lines.close();
  }
}

async function readLine(): Promise<Result<string, string>> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.includes('\n') || text.length > MAX_PASSWORD_BYTES) break;
  }
  const [line = ''] = text.split('\n');
  const password = line.replace(/\r$/, '');
  const message = findPasswordFault(password);
  return message === undefined ? succeed(password) : fail(message);
}

function findPasswordFault(password: string): string | undefined {
  if (password === '') return 'the password is empty, nothing was changed';
  if (password.includes('\ufffd')) return 'the password is not UTF-8 text, nothing was changed';
  const isTooLong = Buffer.byteLength(password) > MAX_PASSWORD_BYTES;
  return isTooLong
    ? `the password is longer than ${MAX_PASSWORD_BYTES} bytes, nothing was changed`
    : undefined;
}

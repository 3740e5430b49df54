/** `user:password@` of an address, in any text. */
const CREDENTIALS = /(\b[a-z][a-z+.-]*:\/\/)[^\s/]*@/gi;

/** A text for the terminal, and for logs of whoever runs this: user and password in its addresses are not shown. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(CREDENTIALS, '$1…@');
}

/** Decodes Base64 (RFC 4648 section 4) with or without padding; undefined for anything that is not exactly that. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const isExact = encodeUnpadded(bytes) === text || bytes.toString('base64') === text;
  return isExact ? bytes : undefined;
}

/** Base64 without padding, as PHC strings have it. */
export function encodeUnpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 6;
/** 256 bits: nobody finds one by trying, so a fast hash keeps it as well as a slow one, and costs a request nothing. */
const SECRET_BYTES = 32;
const TOKEN = /^rcd_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** A token: `rcd_<id>_<secret>`. Its text is shown once; what is kept is the digest. */
type NewToken = { readonly id: string; readonly text: string; readonly digest: string };

export function createTokenText(): NewToken {
  const id = randomBytes(ID_BYTES).toString('hex');
  const text = `rcd_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, text, digest: digestSecret(text) };
}

/** The id in a token, which is no secret; undefined where the text is no token. */
export function readTokenId(text: string): string | undefined {
  return TOKEN.exec(text)?.[1];
}

/** What is kept of a secret that was made here. */
export function digestSecret(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Compares digests in a time that tells nothing about them. */
export function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one, 'base64'), Buffer.from(other, 'base64')];
  return a.length === b.length && timingSafeEqual(a, b);
}

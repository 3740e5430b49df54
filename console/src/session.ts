import { computed, signal } from '@preact/signals';
import { mayAnywhere, type Role, type Verb } from '../../src/accounts/permissions.ts';
import {
  createClient,
  HubUnreachableError,
  ProblemError,
  type Client,
  type WhoAmI,
} from '../../src/client/index.ts';
import { home } from './router.ts';
import { keepSettings } from './settings.ts';

/** Where the hub is: above `/ui/`. */
const url = new URL('..', home).href.replace(/\/$/, '');
const TOKEN = 'recado.token';

export type Session =
  | { readonly kind: 'asking' }
  | { readonly kind: 'out' }
  /** No answer: it is asked again by who follows. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'in'; readonly who: WhoAmI };

export const session = signal<Session>({ kind: 'asking' });

let made = createClient({ url, token: sessionStorage.getItem(TOKEN) ?? undefined });

/** The hub, as whoever is signed in. */
export function hub(): Client {
  return made;
}

/** Whether a button is worth showing; the hub decides by device and tag. */
export function may(verb: Verb): boolean {
  const current = session.value;
  return current.kind === 'in' && mayAnywhere(current.who as WhoAmI & { readonly roles: Role[] }, verb);
}

/** Whether somebody has proven who it is, and may leave. */
export const isSignedIn = computed(
  () => session.value.kind === 'in' && ['user', 'token'].includes(session.value.who.kind),
);

/** Asks who this is. */
export async function askWho(): Promise<void> {
  try {
    session.value = { kind: 'in', who: await made.session.whoAmI() };
  } catch (error) {
    const isRefused = error instanceof ProblemError && (error.status === 401 || error.status === 403);
    session.value = { kind: isRefused ? 'out' : 'unreachable' };
    if (!isRefused && !(error instanceof HubUnreachableError)) throw error;
  }
}

/** @throws {ClientError} when the hub refuses */
export async function signIn(name: string, password: string): Promise<void> {
  const client = createClient({ url });
  const who = await client.session.signIn({ name, password });
  // The browser has cleared what it kept.
  keepSettings();
  made = client;
  session.value = { kind: 'in', who };
}

/** @throws {ClientError} when the hub refuses; {TypeError} when it is no token at all */
export async function useToken(token: string): Promise<void> {
  const client = createClient({ url, token });
  const who = await client.session.whoAmI();
  sessionStorage.setItem(TOKEN, token);
  made = client;
  session.value = { kind: 'in', who };
}

export async function signOut(): Promise<void> {
  const isByToken = sessionStorage.getItem(TOKEN) !== null;
  sessionStorage.removeItem(TOKEN);
  if (!isByToken) await made.session.signOut().catch(() => undefined);
  keepSettings();
  made = createClient({ url });
  await askWho();
}

/** The hub refuses what it gave before: somebody has ended the sign-in. */
export function loseSession(): void {
  sessionStorage.removeItem(TOKEN);
  made = createClient({ url });
  session.value = { kind: 'out' };
}

import type {
  AuditEntryResource,
  AuditPageResource,
  AuditWish,
  NewTokenBody,
  NewTokenResource,
  NewUserBody,
  SignInBody,
  TokenResource,
  UserChangeBody,
  UserResource,
  WhoAmIResource,
} from '../api/account-schemas.ts';
import {
  readAuditPage,
  readNewToken,
  readTokenList,
  readUser,
  readUserList,
  readWhoAmI,
} from './check-answer.ts';
import { eachPage, listQuery, pathSegment } from './hub-paths.ts';
import {
  askHub,
  type CallOptions,
  type HubConnection,
  type HubRequest,
  type Options,
} from './hub-request.ts';

/** Who asks. Without a token it is who has signed in: in a page its browser keeps that, elsewhere `ClientOptions.cookies`. */
export type SessionCalls = {
  /** Signs a person in. `UNAUTHENTICATED` when name or password is wrong, `TOO_MANY_ATTEMPTS` when to try later. */
  signIn(who: SignInBody, options?: CallOptions): Promise<WhoAmIResource>;
  /** Signs out. */
  signOut(options?: CallOptions): Promise<void>;
  /** Who this is for the hub, and what it may. `UNAUTHENTICATED` when it is nobody. */
  whoAmI(options?: CallOptions): Promise<WhoAmIResource>;
};

/** People who may sign in: for who may administer. */
export type UserCalls = {
  list(options?: CallOptions): Promise<readonly UserResource[]>;
  /** One of them. `USER_UNKNOWN` when there is none of this name. */
  get(name: string, options?: CallOptions): Promise<UserResource>;
  /** Makes a user. `USER_EXISTS` when there is one of this name. */
  create(user: NewUserBody, options?: CallOptions): Promise<UserResource>;
  /**
   * Changes what somebody may, or the password; whoever is there as this user has to come anew. People may change their
   * own password, with `currentPassword`.
   */
  change(name: string, change: UserChangeBody, options?: CallOptions): Promise<UserResource>;
  /** Removes a user, whose connections and sign-ins end. */
  remove(name: string, options?: CallOptions): Promise<void>;
};

/** Tokens of programs, devices and agents: for who may administer. */
export type TokenCalls = {
  list(options?: CallOptions): Promise<readonly TokenResource[]>;
  /** Makes a token. `token` of the answer is its text, which is never told again. */
  create(token: NewTokenBody, options?: CallOptions): Promise<NewTokenResource>;
  /** Takes one back: it opens nothing any more, and what it has opened ends. */
  revoke(tokenId: string, options?: CallOptions): Promise<void>;
};

/** `limit` entries on one page, 1 to 1,000 [100], from `cursor` on: the `nextCursor` of the page before. */
export type AuditListOptions = CallOptions & Options<AuditWish>;

/** Who did what, the latest first: for who may administer. */
export type AuditCalls = {
  /** One page. */
  list(options?: AuditListOptions): Promise<AuditPageResource>;
  /** Every entry, page by page as they are consumed; `limit` is the size of a page. */
  all(options?: AuditListOptions): AsyncGenerator<AuditEntryResource, void, void>;
};

/** Who may what, and who did what. */
export type AccountCalls = {
  readonly session: SessionCalls;
  readonly users: UserCalls;
  readonly tokens: TokenCalls;
  readonly audit: AuditCalls;
};

type Asked<T> = Pick<HubRequest<T>, 'method' | 'path' | 'read'> & Partial<HubRequest<T>>;

/** The calls of accounts. @param timeoutMs - how long the whole answer may take */
export function createAccountCalls(hub: HubConnection, timeoutMs: number): AccountCalls {
  const ask = <T>(question: Asked<T>): Promise<T> =>
    askHub(hub, { timeoutMs, idempotent: true, ...question });
  const end = (path: string, signal: AbortSignal | undefined): Promise<void> =>
    ask({ method: 'DELETE', path, signal, read: () => undefined });
  return {
    session: createSessionCalls(ask, end),
    users: createUserCalls(ask, end),
    tokens: createTokenCalls(ask, end),
    audit: createAuditCalls(hub, ask),
  };
}

type Ask = <T>(question: Asked<T>) => Promise<T>;
type End = (path: string, signal: AbortSignal | undefined) => Promise<void>;

const SESSION = '/api/v1/session';

function createSessionCalls(ask: Ask, end: End): SessionCalls {
  return {
    signIn: ({ name, password }, { signal } = {}) =>
      ask({
        method: 'POST',
        path: SESSION,
        body: { name, password },
        signal,
        provesPassword: true,
        read: readWhoAmI,
      }),
    signOut: ({ signal } = {}) => end(SESSION, signal),
    whoAmI: ({ signal } = {}) => ask({ method: 'GET', path: SESSION, signal, read: readWhoAmI }),
  };
}

function createUserCalls(ask: Ask, end: End): UserCalls {
  const users = '/api/v1/users';
  const pathOf = (name: string): string => `${users}/${pathSegment(name, 'user')}`;
  return {
    list: async ({ signal } = {}) =>
      (await ask({ method: 'GET', path: users, signal, read: readUserList })).users,
    get: async (name, { signal } = {}) => ask({ method: 'GET', path: pathOf(name), signal, read: readUser }),
    create: (user, { signal } = {}) =>
      ask({ method: 'POST', path: users, body: user, signal, idempotent: false, read: readUser }),
    change: async (name, change, { signal } = {}) => {
      // Once it is another one, the password of before proves nothing.
      const provesPassword = change.currentPassword !== undefined;
      const how = { idempotent: !provesPassword, provesPassword };
      return ask({ method: 'PATCH', path: pathOf(name), body: change, signal, ...how, read: readUser });
    },
    remove: async (name, { signal } = {}) => end(pathOf(name), signal),
  };
}

function createTokenCalls(ask: Ask, end: End): TokenCalls {
  const tokens = '/api/v1/tokens';
  return {
    list: async ({ signal } = {}) =>
      (await ask({ method: 'GET', path: tokens, signal, read: readTokenList })).tokens,
    create: (token, { signal } = {}) =>
      ask({ method: 'POST', path: tokens, body: token, signal, idempotent: false, read: readNewToken }),
    revoke: async (id, { signal } = {}) => end(`${tokens}/${pathSegment(id, 'token')}`, signal),
  };
}

function createAuditCalls(hub: HubConnection, ask: Ask): AuditCalls {
  const list = (options: AuditListOptions = {}): Promise<AuditPageResource> => {
    const { signal } = options;
    return ask({ method: 'GET', path: `/api/v1/audit${listQuery(options)}`, signal, read: readAuditPage });
  };
  return {
    list,
    async *all(options = {}) {
      const pages = eachPage(hub.url, (cursor) => list({ ...options, cursor }), options.cursor);
      for await (const { entries } of pages) yield* entries;
    },
  };
}

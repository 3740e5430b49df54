import type { Accounts } from '../../accounts/accounts.ts';
import { STRANGER } from '../../accounts/principal.ts';
import { ERROR_TABLE } from '../../base/errors.ts';
import { readTokenId } from '../../accounts/token-text.ts';
import type { BrokerHooks, ClientInfo, ConnectVerdict, Credentials } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';

type AccountAdmissionRules = {
  /** Whether users have passwords elsewhere: those names are not for the accounts to judge. */
  readonly hasPasswordFile: boolean;
  readonly usesCertificateNames: boolean;
};

type Verdict = ReturnType<NonNullable<BrokerHooks['authenticate']>>;

/** Longer ones are no tokens. */
const MAX_TOKEN_BYTES = 128;
const WRONG: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
});
const BUSY: ConnectVerdict = Object.freeze({ allow: false, reasonCode: ReasonCode.SERVER_BUSY });

/**
 * Says who a client is: by a token as its password, whatever user name comes with it; by the password of a user; else
 * as the files say. Where there are accounts, a name that nothing proves is a lie.
 */
export function admitAccounts(
  identity: BrokerHooks,
  accounts: Accounts,
  rules: AccountAdmissionRules,
): BrokerHooks {
  const { hasPasswordFile, usesCertificateNames } = rules;
  const judge = (credentials: Credentials, client: ClientInfo): Verdict => {
    const token = readToken(credentials);
    if (token !== undefined) {
      const principal = accounts.tokens.verify(token);
      return principal === undefined ? WRONG : { allow: true, userName: principal.name };
    }
    const { userName } = credentials;
    const isNamedByCertificate = usesCertificateNames && hasCertificateName(client);
    if (userName === undefined || isNamedByCertificate) return identity.authenticate!(credentials, client);
    const isElsewhere = hasPasswordFile && accounts.users.get(userName) === undefined;
    return isElsewhere
      ? identity.authenticate!(credentials, client)
      : verifyUser(accounts, credentials, client);
  };
  return {
    ...identity,
    get provesUserNames() {
      return accounts.isOn || identity.provesUserNames !== false;
    },
    authenticate(credentials, client) {
      if (!accounts.isOn) return identity.authenticate!(credentials, client);
      const verdict = judge(credentials, client);
      const note = (known: ConnectVerdict): ConnectVerdict =>
        noteRefusal(accounts, credentials, client, known);
      return verdict instanceof Promise ? verdict.then(note) : note(verdict);
    },
  };
}

/** A name that nobody has may be a password: it is left out. */
function noteRefusal(
  accounts: Accounts,
  { userName = '', password }: Credentials,
  { peer }: ClientInfo,
  verdict: ConnectVerdict,
): ConnectVerdict {
  if (verdict.allow) return verdict;
  const token = readToken({ password });
  const name = token === undefined ? userName : `token:${readTokenId(token)}`;
  const target = accounts.principalNamed(name)?.name ?? '';
  const isBusy = verdict.reasonCode === ReasonCode.SERVER_BUSY;
  const code = isBusy ? 'TOO_MANY_ATTEMPTS' : 'UNAUTHENTICATED';
  const { status } = ERROR_TABLE[code];
  accounts.audit.note(STRANGER, { address: peer.address, action: 'connectMqtt', target, status, code });
  return verdict;
}

/** A name that nobody has costs as much as any other. */
async function verifyUser(
  { users }: Accounts,
  { userName = '', password }: Credentials,
  { peer }: ClientInfo,
): Promise<ConnectVerdict> {
  const text = password === undefined ? '' : Buffer.from(password).toString();
  const verified = await users.verify(userName, text, peer.address);
  if (verified.ok) return { allow: true, userName: verified.value.record.name };
  return verified.failure.why === 'wrong' ? WRONG : BUSY;
}

/** The token that comes as a password; undefined where it is none. */
export function readToken({ password }: Pick<Credentials, 'password'>): string | undefined {
  if (password === undefined || password.length > MAX_TOKEN_BYTES) return undefined;
  const text = Buffer.from(password).toString('latin1');
  return readTokenId(text) === undefined ? undefined : text;
}

function hasCertificateName({ peer }: ClientInfo): boolean {
  return (peer.certificate?.commonName ?? '') !== '';
}

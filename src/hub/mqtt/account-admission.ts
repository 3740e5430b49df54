import type { Accounts } from '../../accounts/accounts.ts';
import { readTokenId } from '../../accounts/token-text.ts';
import type { BrokerHooks, ClientInfo, ConnectVerdict, Credentials } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';

type AccountAdmissionRules = {
  /** Whether users have passwords elsewhere: those names are not for the accounts to judge. */
  readonly hasPasswordFile: boolean;
  readonly usesCertificateNames: boolean;
};

/** Longer ones are no tokens. */
const MAX_TOKEN_BYTES = 128;
const WRONG: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
});

/**
 * Says who a client is: by a token as its password, whatever user name comes with it; else as the files say. Where
 * there are accounts, a name that nothing proves is a lie.
 */
export function admitAccounts(
  identity: BrokerHooks,
  accounts: Accounts,
  rules: AccountAdmissionRules,
): BrokerHooks {
  const { hasPasswordFile, usesCertificateNames } = rules;
  return {
    ...identity,
    get provesUserNames() {
      return accounts.isOn || identity.provesUserNames !== false;
    },
    authenticate(credentials, client) {
      if (!accounts.isOn) return identity.authenticate!(credentials, client);
      const token = readToken(credentials);
      if (token !== undefined) {
        const principal = accounts.tokens.verify(token);
        return principal === undefined ? WRONG : { allow: true, userName: principal.name };
      }
      const isNamed = credentials.userName !== undefined;
      const isProvenElsewhere = hasPasswordFile || (usesCertificateNames && hasCertificateName(client));
      return isNamed && !isProvenElsewhere ? WRONG : identity.authenticate!(credentials, client);
    },
  };
}

function readToken({ password }: Credentials): string | undefined {
  if (password === undefined || password.length > MAX_TOKEN_BYTES) return undefined;
  const text = Buffer.from(password).toString('latin1');
  return readTokenId(text) === undefined ? undefined : text;
}

function hasCertificateName({ peer }: ClientInfo): boolean {
  return (peer.certificate?.commonName ?? '') !== '';
}

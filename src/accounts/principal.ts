import { addressParty } from '../base/networks.ts';
import type { Role, Scope } from './permissions.ts';

/** What kind of somebody acts. */
type PrincipalKind = 'token' | 'user' | 'certificate' | 'device' | 'network' | 'owner' | 'anonymous';

/** What a principal rests on. `network` and `nothing` prove where somebody is at the most, and not who it is. */
type Proof =
  | 'token'
  | 'password'
  | 'session'
  | 'certificate'
  | 'device-token'
  | 'data-folder'
  | 'network'
  | 'nothing';

/** Whoever acts, whatever way it came in by. */
export type Principal = {
  /** `token:…`, `user:ann`, `device:pump-1`: tells principals of all kinds apart, and never holds a secret. */
  readonly id: string;
  readonly kind: PrincipalKind;
  /** The name by which rules call it; empty where it has none. */
  readonly name: string;
  readonly provenBy: Proof;
  readonly roles: readonly Role[];
  /** What narrows its roles; with none it may all that they permit. */
  readonly scopes: readonly Scope[];
};

/** Whom the configuration lets in may do everything but say who else may. */
const LET_IN = { roles: ['let-in'], scopes: [] } as const;
const ADMIN = { roles: ['admin'], scopes: [] } as const;

/** Who came without a proof from a network that needs none. */
export const TRUSTED_NETWORK: Principal = {
  id: 'network',
  kind: 'network',
  name: '',
  provenBy: 'network',
  ...LET_IN,
};

/** Who came from anywhere, because everybody may. */
export const ANONYMOUS: Principal = {
  id: 'anonymous',
  kind: 'anonymous',
  name: '',
  provenBy: 'nothing',
  ...LET_IN,
};

/** Who would be refused elsewhere: it may do nothing that anybody is asked for. */
export const STRANGER: Principal = { ...ANONYMOUS, id: 'stranger', roles: [] };

/** Who has the data folder of the hub: all that accounts are is in it. */
export const OWNER: Principal = { id: 'owner', kind: 'owner', name: '', provenBy: 'data-folder', ...ADMIN };

/** Who showed a token of the configuration. @param digest - of the token; its first characters tell tokens apart */
export function tokenPrincipal(digest: string): Principal {
  return { id: `token:${digest.slice(0, 16)}`, kind: 'token', name: '', provenBy: 'token', ...ADMIN };
}

/** A user of MQTT. @param provenBy - `network` and `nothing`: the name is only what the client says */
export function mqttUserPrincipal(
  userName: string,
  provenBy: Extract<Proof, 'password' | 'certificate' | 'network' | 'nothing'>,
): Principal {
  return { id: `user:${userName}`, kind: 'user', name: userName, provenBy, ...LET_IN };
}

/** Who showed a certificate of an authority that is trusted, where certificates name no users. */
export function certificatePrincipal(fingerprint: string): Principal {
  return {
    id: `certificate:${fingerprint}`,
    kind: 'certificate',
    name: '',
    provenBy: 'certificate',
    ...LET_IN,
  };
}

/** A device that showed the token which is configured for its id. */
export function devicePrincipal(deviceId: string): Principal {
  const roles = ['device'] as const;
  const scopes = [{ devices: [deviceId] }];
  return {
    id: `device:${deviceId}`,
    kind: 'device',
    name: deviceId,
    provenBy: 'device-token',
    roles,
    scopes,
  };
}

/**
 * To whom what somebody causes is put down: itself where it has proven who it is; else where it comes from, because
 * a name that is only said can be another one each time.
 *
 * @param address - the peer's, in any spelling
 */
export function partyOf({ id, provenBy }: Principal, address: string): string {
  return provenBy === 'network' || provenBy === 'nothing' ? addressParty(address) : id;
}

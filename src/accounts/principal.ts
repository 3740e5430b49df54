import { addressParty } from '../base/networks.ts';

/** What kind of somebody acts. */
type PrincipalKind = 'token' | 'user' | 'certificate' | 'device' | 'network' | 'anonymous';

/** What a principal rests on. `network` and `nothing` prove where somebody is at the most, and not who it is. */
type Proof = 'token' | 'password' | 'certificate' | 'device-token' | 'network' | 'nothing';

/** Whoever acts, whatever way it came in by. */
export type Principal = {
  /** `token:…`, `user:ann`, `device:pump-1`: tells principals of all kinds apart, and never holds a secret. */
  readonly id: string;
  readonly kind: PrincipalKind;
  /** The name by which rules call it; empty where it has none. */
  readonly name: string;
  readonly provenBy: Proof;
};

/** Who came without a proof from a network that needs none. */
export const TRUSTED_NETWORK: Principal = { id: 'network', kind: 'network', name: '', provenBy: 'network' };

/** Who came from anywhere, because everybody may. */
export const ANONYMOUS: Principal = { id: 'anonymous', kind: 'anonymous', name: '', provenBy: 'nothing' };

/** Who showed a token of the HTTP API. @param digest - of the token; its first characters tell tokens apart */
export function tokenPrincipal(digest: string): Principal {
  return { id: `token:${digest.slice(0, 16)}`, kind: 'token', name: '', provenBy: 'token' };
}

/** A user of MQTT. @param provenBy - `network` and `nothing`: the name is only what the client says */
export function mqttUserPrincipal(
  userName: string,
  provenBy: Exclude<Proof, 'token' | 'device-token'>,
): Principal {
  return { id: `user:${userName}`, kind: 'user', name: userName, provenBy };
}

/** Who showed a certificate of an authority that is trusted, where certificates name no users. */
export function certificatePrincipal(fingerprint: string): Principal {
  return { id: `certificate:${fingerprint}`, kind: 'certificate', name: '', provenBy: 'certificate' };
}

/** A device that showed the token which is configured for its id. */
export function devicePrincipal(deviceId: string): Principal {
  return { id: `device:${deviceId}`, kind: 'device', name: deviceId, provenBy: 'device-token' };
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

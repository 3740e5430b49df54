import { systemClock, type Clock } from '../../base/clock.ts';
import { RecadoError } from '../../base/errors.ts';
import { failureLogger, type Logger } from '../../base/logger.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import {
  ALLOW,
  type BrokerHooks,
  type ClientInfo,
  type ConnectVerdict,
  type Credentials,
  type Verdict,
} from '../broker/hooks.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { DEFAULT_LOOK_EVERY_MS, DEFAULT_SETTLE_MS, FileWatch } from './file-watch.ts';
import { listAccessFiles, loadAccessRules, type AccessFiles, type AccessRules } from './load-access-rules.ts';
import {
  DEFAULT_VERIFIER_LIMITS,
  PasswordVerifier,
  type Verification,
  type VerifierCounters,
  type VerifierLimits,
} from './password-verifier.ts';
import { createScramMethod, ScramUsers } from './scram.ts';
import { DEFAULT_MAX_VERDICTS_PER_CLIENT, TopicAccess } from './topic-access.ts';
import { denyingRule, PERMITTED, type WrittenRule } from './written-rule.ts';

type AccessLimits = VerifierLimits & {
  /** Topics that one client wrote to and whose verdict is kept. */
  readonly maxVerdictsPerClient: number;
};

const DEFAULT_ACCESS_LIMITS: AccessLimits = {
  ...DEFAULT_VERIFIER_LIMITS,
  maxVerdictsPerClient: DEFAULT_MAX_VERDICTS_PER_CLIENT,
};

export type AccessControlOptions = {
  /** Users and their hashes; see `parsePasswordFile`. Without one, passwords are not asked for. */
  readonly passwordFile?: string | undefined;
  /** Who may read and write what; see `parseAclFile`. Without one, everybody who is let in may do everything. */
  readonly aclFile?: string | undefined;
  /** Lets clients in that give no user name. By default only when there is nothing to prove one by. */
  readonly allowAnonymous?: boolean | undefined;
  /** The common name of a verified client certificate is the user name, and needs no password. */
  readonly useCertificateCommonName?: boolean | undefined;
  /** Another hook proves user names, so rules for users may stand in `aclFile` without a `passwordFile`. */
  readonly areUserNamesProvenElsewhere?: boolean | undefined;
  readonly limits?: Partial<AccessLimits> | undefined;
  /** How long files must be the same after a change, in ms, and how often they are looked at without a sign. */
  readonly settleMs?: number | undefined;
  readonly lookEveryMs?: number | undefined;
  readonly log?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** After other rules took the place of the old ones: the moment for `Broker.forgetReceiveVerdicts`. */
  readonly onChanged?: ((change: AccessChange) => void) | undefined;
};

/** What other files meant for those who are connected. */
export type AccessChange = {
  /** Users that are gone, or that lost or changed a password. Their connections are not ended by this. */
  readonly changedUsers: readonly string[];
  /** Of them, those that are gone: nobody can come as one of them any more, and their sessions are nobody's. */
  readonly removedUsers: readonly string[];
};

/** With a failure the old rules are in force. Each fault with its file and line. */
type ReloadResult = Result<AccessChange, readonly string[]>;

export type AccessControl = {
  /** For the broker. */
  readonly hooks: BrokerHooks;
  /** What stands in `aclFile`, to be asked without anything being done; nothing is permitted without one. */
  readonly topics: Pick<TopicAccess<ClientInfo>, 'mayWrite' | 'mayReadAll'>;
  readonly counters: VerifierCounters & { readonly reloads: number; readonly failedReloads: number };
  /** Reads the files anew. Both take effect at once, or neither. Never throws for what is in them. */
  reload(): Promise<ReloadResult>;
  /** Reads the files anew whenever they change, until `close`. */
  watch(): void;
  close(): void;
};

/**
 * Users, passwords, and who may read and write what, from two files.
 *
 * @throws {RecadoError} CONFIG_INVALID when a file cannot be read or has a mistake
 */
export async function createAccessControl(options: AccessControlOptions): Promise<AccessControl> {
  const control = new FileAccessControl(options);
  await control.start();
  return control;
}

const BAD_CREDENTIALS: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
});
const BUSY: ConnectVerdict = Object.freeze({ allow: false, reasonCode: ReasonCode.SERVER_BUSY });
const OTHER_CLIENT_ID = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  reasonString: 'the access rules bind this Client Identifier to others, or this user to other ones',
} as const);
const FORBIDDEN = Object.freeze({ allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED } as const);

class FileAccessControl implements AccessControl {
  readonly hooks: BrokerHooks;
  readonly #options: AccessControlOptions;
  readonly #files: AccessFiles;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #verifier: PasswordVerifier;
  readonly #scramUsers = new ScramUsers();
  readonly topics: TopicAccess<ClientInfo>;
  #rules: AccessRules = { users: undefined, acl: undefined };
  #signatures = '';
  #watch: FileWatch | undefined = undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #reloads = 0;
  #failedReloads = 0;

  constructor(options: AccessControlOptions) {
    const { passwordFile, aclFile, useCertificateCommonName, areUserNamesProvenElsewhere, limits } = options;
    this.#options = options;
    const areNamesProven =
      passwordFile !== undefined || useCertificateCommonName === true || areUserNamesProvenElsewhere === true;
    this.#files = { passwordFile, aclFile, areNamesProven };
    this.#log = options.log ?? failureLogger;
    this.#clock = options.clock ?? systemClock;
    const allLimits = { ...DEFAULT_ACCESS_LIMITS, ...limits };
    this.#verifier = new PasswordVerifier(allLimits, this.#clock);
    this.topics = new TopicAccess(allLimits.maxVerdictsPerClient);
    this.hooks = this.#createHooks();
  }

  get counters(): AccessControl['counters'] {
    return { ...this.#verifier.counters, reloads: this.#reloads, failedReloads: this.#failedReloads };
  }

  async start(): Promise<void> {
    const { signatures, result } = await loadAccessRules(this.#files);
    if (!result.ok) throw new RecadoError('CONFIG_INVALID', result.failure.join('\n'));
    this.#signatures = signatures;
    this.#apply(result.value.rules);
    this.#warn(result.value.warnings);
  }

  reload(): Promise<ReloadResult> {
    // One after the other: two readings at once could end in the wrong order.
    const result = this.#reloading.then(() => this.#reload());
    this.#reloading = result.catch(() => undefined);
    return result;
  }

  watch(): void {
    this.#watch ??= new FileWatch({
      files: listAccessFiles(this.#files),
      clock: this.#clock,
      log: this.#log,
      settleMs: this.#options.settleMs ?? DEFAULT_SETTLE_MS,
      lookEveryMs: this.#options.lookEveryMs ?? DEFAULT_LOOK_EVERY_MS,
      lastRead: () => this.#signatures,
      onChanged: () => this.reload(),
    });
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  async #reload(): Promise<ReloadResult> {
    const { signatures, result } = await loadAccessRules(this.#files);
    this.#signatures = signatures;
    if (!result.ok) {
      this.#failedReloads++;
      const faults = result.failure;
      const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
      this.#log.error({ faults }, `the old access rules stay in force: ${faults[0]}${more}`);
      return fail(faults);
    }
    const { rules, warnings } = result.value;
    const change = findChange(this.#rules, rules);
    this.#apply(rules);
    this.#reloads++;
    this.#log.info({ changedUsers: change.changedUsers.length }, 'new access rules are in force');
    this.#warn(warnings);
    this.#tellChanged(change);
    return succeed(change);
  }

  /** All at once: nothing is awaited in here. */
  #apply(rules: AccessRules): void {
    this.#rules = rules;
    if (rules.users !== undefined) {
      this.#verifier.setUsers(rules.users.passwords);
      this.#scramUsers.setUsers(rules.users.scram);
    }
    if (rules.acl !== undefined) this.topics.setRules(rules.acl);
  }

  #tellChanged(change: AccessChange): void {
    try {
      this.#options.onChanged?.(change);
    } catch (error) {
      this.#log.error({ err: error }, 'a listener to new access rules failed');
    }
  }

  #warn(warnings: readonly string[]): void {
    for (const warning of warnings) this.#log.warn({}, warning);
  }

  #createHooks(): BrokerHooks {
    const { passwordFile, aclFile } = this.#files;
    const topics = this.topics;
    const forbid = (rule: WrittenRule): Verdict => ({ ...FORBIDDEN, rule: denyingRule(rule, aclFile!) });
    return {
      name: 'access control',
      provesUserNames: this.#files.areNamesProven,
      authenticate: (credentials, client) => this.#authenticate(credentials, client),
      ...(passwordFile !== undefined && { authenticationMethods: [createScramMethod(this.#scramUsers)] }),
      ...(aclFile !== undefined && {
        authorizeConnect: (client) => {
          const rule = this.#rules.acl!.clientIds.findDenial(client);
          return rule === undefined ? ALLOW : { ...OTHER_CLIENT_ID, rule: denyingRule(rule, aclFile) };
        },
        authorizeSubscribe(client, topicFilter) {
          const verdict = topics.judgeSubscribe(client, topicFilter);
          return verdict === PERMITTED ? ALLOW : forbid(verdict);
        },
        authorizePublish(client, { topicName }) {
          const verdict = topics.judgeWrite(client, topicName);
          return verdict === PERMITTED ? ALLOW : forbid(verdict);
        },
        authorizeReceive(client, topicName) {
          const verdict = topics.judgeRead(client, topicName);
          return verdict === PERMITTED ? true : denyingRule(verdict, aclFile);
        },
      }),
    };
  }

  #authenticate(
    { userName, password }: Credentials,
    { peer }: ClientInfo,
  ): ConnectVerdict | Promise<ConnectVerdict> {
    const {
      passwordFile,
      useCertificateCommonName = false,
      areUserNamesProvenElsewhere = false,
    } = this.#options;
    const hasProofs = passwordFile !== undefined || useCertificateCommonName;
    const { allowAnonymous = !hasProofs } = this.#options;
    const commonName = useCertificateCommonName ? (peer.certificate?.commonName ?? '') : '';
    if (commonName !== '') return { allow: true, userName: commonName };
    if (userName === undefined) return allowAnonymous ? ALLOW : FORBIDDEN;
    if (passwordFile !== undefined) return this.#verify(userName, password, peer.address);
    // A name that nothing proves is as good as none, and where names can be proven it is a lie.
    if (hasProofs) return BAD_CREDENTIALS;
    return allowAnonymous || areUserNamesProvenElsewhere ? ALLOW : FORBIDDEN;
  }

  #verify(
    userName: string,
    password: Uint8Array | undefined,
    address: string,
  ): ConnectVerdict | Promise<ConnectVerdict> {
    const verification = this.#verifier.verify(userName, password, address);
    return typeof verification === 'string' ? verdictOf(verification) : verification.then(verdictOf);
  }
}

function verdictOf(verification: Verification): ConnectVerdict {
  if (verification === 'right') return ALLOW;
  return verification === 'busy' ? BUSY : BAD_CREDENTIALS;
}

/** Users of the old files whose way in is not the same any more. */
function findChange(before: AccessRules, after: AccessRules): AccessChange {
  const changed = new Set<string>();
  for (const kind of ['passwords', 'scram'] as const) {
    for (const [userName, { text }] of before.users?.[kind] ?? []) {
      if (after.users?.[kind].get(userName)?.text !== text) changed.add(userName);
    }
  }
  const { passwords, scram } = after.users ?? {};
  const changedUsers = [...changed];
  const removedUsers = changedUsers.filter(
    (userName) => passwords?.has(userName) !== true && scram?.has(userName) !== true,
  );
  return { changedUsers, removedUsers };
}

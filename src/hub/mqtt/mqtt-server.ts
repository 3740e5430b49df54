import type { Accounts } from '../../accounts/accounts.ts';
import { partyOf } from '../../accounts/principal.ts';
import { TrustedNetworks } from '../../accounts/trusted-networks.ts';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { systemClock, type Clock } from '../../base/clock.ts';
import { RecadoError } from '../../base/errors.ts';
import type { Ledger } from '../../base/ledger.ts';
import type { Logger } from '../../base/logger.ts';
import type { ListeningAddress } from '../../gateways/gateway.ts';
import {
  createAccessControl,
  type AccessChange,
  type AccessControl,
} from '../../mqtt/access/access-control.ts';
import { listAccessFiles } from '../../mqtt/access/load-access-rules.ts';
import { Broker } from '../../mqtt/broker/broker.ts';
import { ALLOW, type BrokerHooks } from '../../mqtt/broker/hooks.ts';
import type { SessionStore } from '../../mqtt/session/session-store.ts';
import { RefusalLog } from '../../mqtt/transport/refusal-log.ts';
import type { TransportAcceptor } from '../../mqtt/transport/transport.ts';
import { attachWebSocket, type AttachedWebSocket } from '../../mqtt/transport/websocket.ts';
import type { Config } from '../config/config-schema.ts';
import { hasMqttRules } from '../config/open-listeners.ts';
import { admitAccounts } from './account-admission.ts';
import { AccountClients } from './account-clients.ts';
import { createAdmission } from './admission.ts';
import { brokerOptions } from './broker-options.ts';
import { accessFiles, checkMqttFiles, usesCertificateNames } from './mqtt-files.ts';
import { openMqttListeners, type MqttListeners } from './mqtt-listeners.ts';
import { isAboveRules, type IdentifyMqttClient } from './mqtt-principal.ts';
import type { AclTopics } from './topic-rights.ts';
import { TlsReload } from '../tls/tls-reload.ts';

/** What connections may take to end when the broker has closed, and how often they are counted meanwhile. */
const STOP_GRACE_MS = 500;
const LOOK_EVERY_MS = 10;

type MqttServerOptions = {
  readonly mqtt: Config['mqtt'];
  /** Keys of hosts whose listeners strangers may use, because the hub was told to be insecure: `mqtt.host`. */
  readonly openHosts: ReadonlySet<string>;
};

type MqttServerParts = {
  readonly log: Logger;
  readonly clock?: Clock | undefined;
  readonly identify: IdentifyMqttClient;
  readonly accounts: Accounts;
  readonly ledger?: Ledger | undefined;
  readonly store?: SessionStore | undefined;
  /** Rules of other parts of the hub, for all clients. */
  readonly hooks?: readonly BrokerHooks[];
};

/** The web pages that may ask for a WebSocket, beyond those of `mqtt.webSocket.allowedOrigins`. */
type WebSocketHost = {
  readonly server: HttpServer;
  /** Whether the HTTP server is known by this `Host`; web pages of others may not connect. */
  readonly isKnownHost: (host: string) => boolean;
  readonly trustedProxies: readonly string[];
  /** Whether an upgrade is for others, whatever its path. */
  readonly isElsewhere: (request: IncomingMessage) => boolean;
};

/** The key of the address of each listener; a Unix socket has none. */
const HOST_KEYS = {
  mqtt: 'mqtt.host',
  'mqtt-tls': 'mqtt.tls.host',
  'mqtt-unix': '',
  'mqtt-websocket': 'http.host',
} as const;
type ListenerName = keyof typeof HOST_KEYS;

/** The MQTT broker of a hub, with its listeners, its users and its access rules. */
export class MqttServer {
  readonly broker: Broker;
  readonly #options: MqttServerOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #identify: IdentifyMqttClient;
  readonly #accounts: Accounts;
  readonly #accountClients: AccountClients;
  readonly #tlsReload: TlsReload;
  #forgetAccounts: () => void = () => undefined;
  #access: AccessControl | undefined;
  #listeners: MqttListeners | undefined;
  #webSocket: AttachedWebSocket | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MqttServerOptions, parts: MqttServerParts) {
    const { mqtt } = options;
    this.#options = options;
    this.#log = parts.log;
    this.#identify = parts.identify;
    this.#accounts = parts.accounts;
    this.#accountClients = new AccountClients(parts.accounts, parts.identify);
    this.#clock = parts.clock ?? systemClock;
    this.#tlsReload = new TlsReload('mqtt-tls', mqtt.tls, { log: this.#log, clock: this.#clock });
    const aclHooks = mqtt.aclFile === '' ? [] : [this.#aclHooks()];
    const hooks = [...aclHooks, ...(parts.hooks ?? []), this.#accountClients.hooks];
    const { ledger, store, identify } = parts;
    this.broker = new Broker({
      ...brokerOptions(mqtt),
      hooks,
      log: this.#log,
      clock: this.#clock,
      ...(ledger !== undefined && { ledger }),
      ...(store !== undefined && { store }),
      partyOf: (client) => partyOf(identify(client), client.peer.address),
    });
  }

  /** What `mqtt.aclFile` says of topics; undefined where there is none. */
  get topicRules(): AclTopics | undefined {
    if (this.#options.mqtt.aclFile === '') return undefined;
    const { topics } = this.#expectAccess();
    return {
      mayWrite: (client, topicName) => isAboveRules(client) || topics.mayWrite(client, topicName),
      mayReadAll: (client, topicFilter) => isAboveRules(client) || topics.mayReadAll(client, topicFilter),
    };
  }

  /** Numbers for metrics: of the access rules, and by listener the connections that did not get as far as MQTT. */
  get counters(): MqttServerCounters {
    const refusals = this.#listeners?.refusals() ?? {};
    const webSocket = this.#webSocket?.refusals;
    return {
      access: this.#access?.counters,
      tls: this.#tlsReload.counters,
      refusals: webSocket === undefined ? refusals : { ...refusals, 'mqtt-websocket': webSocket },
    };
  }

  /**
   * Brings back what the broker has kept, before anybody may come.
   *
   * @throws {RecadoError} `CONFIG_INVALID` when a file cannot be used. Nothing is left open then.
   */
  async open(): Promise<readonly []> {
    try {
      await this.#readFiles();
      await this.broker.start();
      this.#forgetAccounts = this.#accounts.onChange(() => this.#onAccountsChanged());
      this.#onAccountsChanged();
      return [];
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Begins to listen, WebSocket excepted, when it is open.
   *
   * @throws {RecadoError} `PORT_IN_USE` or `LISTEN_FAILED`. Nothing is left open then.
   */
  async start(): Promise<readonly ListeningAddress[]> {
    try {
      this.#listeners = await openMqttListeners(this.#options.mqtt, {
        acceptorOf: (name) => this.#acceptor(name),
        tlsReload: this.#tlsReload,
        log: this.#log,
      });
      if (this.#hasAccessFiles) this.#access?.watch();
      return this.#listeners.listening;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes WebSocket connections from an HTTP server, after `start`.
   *
   * @returns the path that they come by; undefined when the configuration has none
   */
  attachWebSocket({ server, isKnownHost, trustedProxies, isElsewhere }: WebSocketHost): string | undefined {
    const { enabled, path, allowedOrigins } = this.#options.mqtt.webSocket;
    if (!enabled) return undefined;
    this.#webSocket = attachWebSocket(this.#acceptor('mqtt-websocket'), server, {
      path,
      allowedOrigins: allowedOrigins.includes('*') ? '*' : allowedOrigins,
      isKnownHost,
      trustedProxies,
      isElsewhere,
      onRefused: new RefusalLog(this.#log).of('mqtt-websocket'),
    });
    return path;
  }

  /** Takes no more connections, tells all clients that the server is shutting down, and waits until they are gone. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#forgetAccounts();
    this.#tlsReload.close();
    this.#access?.close();
    this.#webSocket?.close();
    await this.#listeners?.close();
    await this.broker.close();
    const untilMs = this.#clock.monotonic() + STOP_GRACE_MS;
    while (this.broker.counts.connections > 0 && this.#clock.monotonic() < untilMs) {
      await new Promise<void>((resolve) => void this.#clock.setTimer(LOOK_EVERY_MS, resolve));
    }
  }

  async #readFiles(): Promise<void> {
    const { mqtt } = this.#options;
    // First, so that all faults of all files are told at once.
    const files = await checkMqttFiles(mqtt);
    if (!files.ok) {
      const text = files.failure.map((fault) => `\n  ${fault}`).join('');
      throw new RecadoError(
        'CONFIG_INVALID',
        `the hub did not start, because files of its configuration are wrong:${text}`,
      );
    }
    const { passwordFile, aclFile } = accessFiles(mqtt);
    this.#access = await createAccessControl({
      passwordFile,
      aclFile,
      useCertificateCommonName: usesCertificateNames(mqtt.tls),
      // Who may come in without a name is for the admission of each listener to say.
      allowAnonymous: true,
      log: this.#log,
      clock: this.#clock,
      onChanged: (change) => this.#onAccessChanged(change),
    });
  }

  /** A listener's own rules: who may come in, and who they are. */
  #acceptor(name: ListenerName): TransportAcceptor {
    const { mqtt, openHosts } = this.#options;
    const hasPasswordFile = mqtt.passwordFile !== '';
    const accounts = this.#accounts;
    const namesByCertificate = usesCertificateNames(mqtt.tls);
    const [networks, networksKey] =
      name === 'mqtt-websocket'
        ? [mqtt.webSocket.trustedNetworks, 'mqtt.webSocket.trustedNetworks']
        : [mqtt.trustedNetworks, 'mqtt.trustedNetworks'];
    const admission = createAdmission(
      {
        trusted: new TrustedNetworks(networks, () => accounts.isOn),
        networksKey,
        // The API may be open while MQTT on the same port has rules.
        isOpenToAll: openHosts.has(HOST_KEYS[name]) && (name === 'mqtt-tls' || !hasMqttRules(mqtt)),
        wantsProof: () => hasPasswordFile || accounts.isOn,
        usesCertificateNames: namesByCertificate,
        isBehindProxy: name === 'mqtt' && mqtt.proxyProtocolNetworks.length > 0,
      },
      this.#log,
    );
    const { hooks } = this.#expectAccess();
    const identity: BrokerHooks = {
      name: hooks.name,
      provesUserNames: hooks.provesUserNames ?? true,
      authenticate: (credentials, client) => hooks.authenticate!(credentials, client),
      authenticationMethods: hooks.authenticationMethods ?? [],
    };
    const rules = { hasPasswordFile, usesCertificateNames: namesByCertificate };
    return this.broker.acceptor({ name, hooks: [admission, admitAccounts(identity, accounts, rules)] });
  }

  /** The broker's own, not the listeners': sessions of clients that are away are held to the rules as well. */
  #aclHooks(): BrokerHooks {
    return {
      name: 'access rules',
      authorizeConnect: (client) => this.#expectAccess().hooks.authorizeConnect!(client),
      authorizeSubscribe: (client, topicFilter) =>
        isAboveRules(client) ? ALLOW : this.#expectAccess().hooks.authorizeSubscribe!(client, topicFilter),
      authorizePublish: (client, message) =>
        isAboveRules(client) ? ALLOW : this.#expectAccess().hooks.authorizePublish!(client, message),
      authorizeReceive: (client, topicName) =>
        isAboveRules(client) || this.#expectAccess().hooks.authorizeReceive!(client, topicName),
    };
  }

  get #hasAccessFiles(): boolean {
    return listAccessFiles(accessFiles(this.#options.mqtt)).length > 0;
  }

  #expectAccess(): AccessControl {
    if (this.#access === undefined) throw new TypeError('the access rules are not read yet');
    return this.#access;
  }

  #onAccountsChanged(): void {
    this.broker.forgetReceiveVerdicts();
    this.#accountClients.endStale(this.broker);
  }

  /** Who has another password comes back to the session with it; the sessions of users that are gone end. */
  #onAccessChanged({ changedUsers, removedUsers }: AccessChange): void {
    this.broker.forgetReceiveVerdicts();
    if (changedUsers.length === 0) return;
    const [changed, removed] = [new Set(changedUsers), new Set(removedUsers)];
    for (const { client } of this.broker.sessions()) {
      const { kind, name, provenBy } = this.#identify(client);
      if (kind === 'user' && provenBy !== 'certificate' && changed.has(name))
        this.broker.disconnectClient(client.clientId, { endSession: removed.has(name) });
    }
  }
}

type MqttServerCounters = {
  readonly access: AccessControl['counters'] | undefined;
  readonly tls: TlsReload['counters'];
  readonly refusals: Readonly<Record<string, Readonly<Record<string, number>>>>;
};

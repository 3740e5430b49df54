import type { ProtocolVersion, QoS } from '../codec/control-packet.ts';
import type { PublishProperties } from '../codec/publish.ts';
import type { ReasonCode } from '../codec/reason-code.ts';
import type { Peer } from '../transport/transport.ts';

/** A client as hooks and observers see it. The same object for as long as its connection lasts. */
export type ClientInfo = {
  readonly clientId: string;
  /** As the client gave it, or as the `authenticate` hook said it is. */
  readonly userName: string | undefined;
  readonly protocolVersion: ProtocolVersion;
  readonly peer: Peer;
  /** The name of the listener that it came through. */
  readonly listener: string;
};

/** What a CONNECT brought to prove who the client is. */
export type Credentials = {
  readonly userName: string | undefined;
  readonly password: Uint8Array | undefined;
};

/** A message on its way, borrowed: its parts are read from the receive buffer when they are asked for. */
export type ApplicationMessage = {
  readonly topicName: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Valid during the call; copy it to keep it. */
  readonly payload: Uint8Array;
  /** Without Topic Alias. Decoded when it is first asked for. */
  readonly properties: PublishProperties;
};

/** What denies, for whoever looks for it. Clients are not told. */
export type DenyingRule = {
  /** Denials are counted by it; where a hook names no rule, by the hook's own. */
  readonly name: string;
  /** For the log, with the place where the rule is found. */
  readonly text: string;
};

type Denied = {
  readonly allow: false;
  readonly reasonCode: ReasonCode;
  readonly reasonString?: string;
  readonly rule?: DenyingRule;
};

/** A hook's answer. A denial names the Reason Code that the client will see. */
export type Verdict = { readonly allow: true } | Denied;

export const ALLOW: Verdict = Object.freeze({ allow: true });

/** The answer to a CONNECT; an allowance may name the user, for instance from the client's certificate. */
export type ConnectVerdict = { readonly allow: true; readonly userName?: string } | Denied;

/** One step of enhanced authentication (MQTT 5.0 section 4.12). */
export type AuthenticationStep =
  /** The client must answer this. */
  | { readonly step: 'continue'; readonly data: Uint8Array }
  /** The client is who it says; `data` travels in the CONNACK, or in the AUTH that ends a re-authentication. */
  | { readonly step: 'success'; readonly userName: string; readonly data?: Uint8Array }
  | { readonly step: 'failure'; readonly reasonCode: ReasonCode; readonly reasonString?: string };

/** One exchange with one client; thrown away when it ends. */
export type AuthenticationExchange = {
  /** @param data - what the client sent; empty when it sent none */
  next(data: Uint8Array): AuthenticationStep | Promise<AuthenticationStep>;
};

/** A method of enhanced authentication, by the name that clients ask for: `SCRAM-SHA-256`. */
export type AuthenticationMethod = {
  readonly name: string;
  begin(client: ClientInfo): AuthenticationExchange;
};

/** Why a message did not go to a client. */
export type DropReason =
  /** The client does not read, and `maxOutboxBytes` are waiting for it. */
  | 'outbox-full'
  /** `maxQueuedMessages` or `maxQueuedBytes` are waiting in its session, or `maxTotalQueuedBytes` in all. */
  | 'queue-full'
  /** QoS 0, and the client is away. */
  | 'offline'
  /** Its Message Expiry Interval has passed. */
  | 'expired'
  /** Larger than the Maximum Packet Size that the client gave. */
  | 'packet-too-large';

/** Why a connection ended. */
export type DisconnectCause = {
  /** `client`: it sent DISCONNECT. `lost`: the network connection broke. `server`: this side ended it. */
  readonly by: 'client' | 'lost' | 'server';
  readonly reasonCode: ReasonCode;
  /** For people. */
  readonly reason: string;
};

/**
 * What an embedding program may decide or observe. Every function is optional.
 *
 * Deciding hooks run in the order of their registration; the first denial wins, and a throw is a denial with
 * 0x80 Unspecified error. Observing hooks cannot change the outcome: a throw is logged.
 */
export type BrokerHooks = {
  /** Shown in logs. */
  readonly name: string;

  /** Decides a CONNECT. No answer within `hookTimeoutMs` denies with 0x88 Server unavailable. */
  authenticate?(credentials: Credentials, client: ClientInfo): ConnectVerdict | Promise<ConnectVerdict>;
  /** Methods of enhanced authentication. A CONNECT that names one is decided by it alone. */
  readonly authenticationMethods?: readonly AuthenticationMethod[];
  /** Whether the user names that `authenticate` lets in are proven, as they are unless told: a session has one owner. */
  readonly provesUserNames?: boolean;
  /**
   * Decides, at once, whether a client that is known by now may come as its Client Identifier; `authenticate` or an
   * Authentication Method has said who it is.
   */
  authorizeConnect?(client: ClientInfo): Verdict;
  /** Decides one Topic Filter of a SUBSCRIBE, `$share/{ShareName}/` left out. */
  authorizeSubscribe?(client: ClientInfo, topicFilter: string): Verdict | Promise<Verdict>;
  /** Decides one PUBLISH, and a Will Message when it is given and when it is published. On the hot path, so at once. */
  authorizePublish?(client: ClientInfo, message: ApplicationMessage): Verdict;
  /**
   * Decides whether a client may receive messages of a topic that one of its subscriptions matches: true, or false, or
   * the rule that denies. The answer is kept until the client connects again, `Broker.forgetReceiveVerdicts` is called, or the topic is forgotten
   * (`maxCachedTopics`). For retained messages, and those of Shared Subscriptions, it is asked each time.
   */
  authorizeReceive?(client: ClientInfo, topicName: string): boolean | DenyingRule;

  onConnected?(client: ClientInfo): void;
  onDisconnected?(client: ClientInfo, cause: DisconnectCause): void;
  onSubscribed?(client: ClientInfo, topicFilter: string, qos: QoS): void;
  onUnsubscribed?(client: ClientInfo, topicFilter: string): void;
  /** `from` is undefined for messages of the embedding program, of the server itself, and for Wills. */
  onPublished?(message: ApplicationMessage, from: ClientInfo | undefined): void;
  onDropped?(topicName: string, toClientId: string, why: DropReason): void;
};

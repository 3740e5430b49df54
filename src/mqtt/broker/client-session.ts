import type { WillMessage } from '../codec/connect.ts';
import type { ProtocolVersion, QoS } from '../codec/control-packet.ts';
import type { Receiver } from '../session/receiver.ts';
import { Session } from '../session/session.ts';
import type { OutboundTopicAliases } from '../topics/topic-alias.ts';
import type { CommitWaiter } from './commit-group.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { EndCause, EndDetail } from './connection/end-causes.ts';
import type { Outbox } from './connection/outbox.ts';
import type { ApplicationMessage, ClientInfo } from './hooks.ts';
import type { ConnectionOptions } from './options.ts';
import type { BrokerStats } from './stats.ts';

/** How a message came to a subscriber. */
export type Arrival = {
  /** What was granted, or what it was published with if that is less. */
  readonly qos: QoS;
  /** It was retained before the subscription; or was published so, where the subscription keeps that. */
  readonly retain: boolean;
};

/** A subscriber inside this process: it has no connection, and takes messages as they are. */
export type LocalReceiver = (message: ApplicationMessage, arrival: Arrival) => void;

/** What the broker asks of the connection that a session has. */
export type SessionConnection = Receiver &
  CommitWaiter & {
    readonly engine: { readonly stats: BrokerStats };
    readonly version: ProtocolVersion;
    /** The largest packet that the client takes. */
    readonly maximumPacketSize: number;
    readonly outboundAliases: OutboundTopicAliases<string> | undefined;
    readonly outbox: Outbox;
    readonly willMessage: WillMessage | undefined;
    end(cause: EndCause, detail?: EndDetail): void;
  };

/** A client's session, with who the client is and by which listener's rules it came last. */
export class ClientSession extends Session<SessionConnection> {
  client: ClientInfo;
  options: ConnectionOptions;
  hooks: CompiledHooks;
  readonly local: LocalReceiver | undefined;

  constructor(
    client: ClientInfo,
    rules: { readonly options: ConnectionOptions; readonly hooks: CompiledHooks },
    local: LocalReceiver | undefined,
  ) {
    super(client.clientId);
    this.client = client;
    this.options = rules.options;
    this.hooks = rules.hooks;
    this.local = local;
  }
}

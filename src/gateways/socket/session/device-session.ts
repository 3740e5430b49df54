import type { Socket } from 'node:net';
import type { Accounts } from '../../../accounts/accounts.ts';
import type { Principal } from '../../../accounts/principal.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Ledger, Party } from '../../../base/ledger.ts';
import type { LogBudget } from '../../../base/log-budget.ts';
import type { Logger } from '../../../base/logger.ts';
import type { PlainSecrets } from '../../../base/plain-secrets.ts';
import type { TellOnce } from '../../../base/tell-once.ts';
import type { Turn } from '../../../base/turn.ts';
import type { DeviceRegistry } from '../../../devices/device-registry.ts';
import type { PresenceReason } from '../../../devices/presence.ts';
import type { SocketCounters } from '../counters.ts';
import type { DeviceDirectory } from '../directory/device-directory.ts';
import type { SocketGatewayOptions } from '../options.ts';
import type { UnreadBytes } from './unread-bytes.ts';

/** What every connection of the gateway works with. */
export type SessionContext = {
  readonly options: SocketGatewayOptions;
  readonly ledger: Ledger;
  readonly registry: DeviceRegistry;
  readonly accounts: Accounts;
  readonly directory: DeviceDirectory;
  readonly counters: SocketCounters;
  readonly clock: Clock;
  /** Writes to devices leave together, at the end of a turn. */
  readonly turn: Turn;
  readonly log: Logger;
  /** For what devices can have written as often as they want. */
  readonly logBudget: LogBudget;
  readonly tellOnce: TellOnce;
  readonly secrets: PlainSecrets;
};

/** One way to understand the bytes of a connection. It owns the socket until `end`. */
export type DeviceSession = {
  /** It has not said, or not proven, who it is. */
  readonly isSilent: boolean;
  /** Who is at the other end, as far as it has proven it. */
  readonly principal: Principal;
  onBytes(chunk: Buffer): void;
  /** Called several times a second; `now` is monotonic ms. */
  tick(now: number): void;
  /** The socket is gone, or is to go. Called at least once; the first reason counts. */
  end(reason: PresenceReason): void;
};

/** A connected peer, before and after it is known what it speaks. */
export type SocketPeer = {
  readonly socket: Socket;
  /** Its address in plain spelling: `10.0.0.11`. */
  readonly address: string;
  readonly port: number;
  /** Others on the way can read what it says. */
  readonly isPlain: boolean;
  /** Who it is, as far as it has proven it. */
  readonly principal: Principal;
  /** Its address, for what is kept before it is known who it is; held open by the connection. */
  readonly party: Party;
  /** To be told of what is written. */
  readonly unread: UnreadBytes;
};

import { BodySender } from '../flow/body-sender.ts';
import type { ByteSource } from '../flow/byte-source.ts';
import { CreditGate, CreditLedger } from '../flow/credit.ts';
import type { FramePool } from '../flow/frame-pool.ts';
import { FrameChannel, type PublishFrame } from '../flow/frame-channel.ts';
import { encodeHead, type RequestHead } from '../wire/message-heads.ts';
import type { ServiceHubLimits } from '../options.ts';
import type { AgentEntry } from './service-directory.ts';
import { FrameType } from '../wire/frame.ts';

type ServiceAttemptParts = {
  readonly request: number;
  readonly publish: PublishFrame;
  readonly pool: FramePool;
  readonly source: ByteSource;
  readonly limits: ServiceHubLimits;
  readonly onSent: (bytes: number, isOver: boolean) => void;
  readonly onUndelivered: (error: Error | undefined) => void;
};

/** A request in the hands of one agent. */
export class ServiceAttempt {
  readonly agent: AgentEntry;
  readonly channel: FrameChannel;
  readonly sender: BodySender;
  /** Of the answer's body. */
  readonly ledger: CreditLedger;
  /** The agent has said its last word: it need not be told that nobody waits. */
  isEndedByAgent = false;
  /** The broker gave at least one frame to somebody. */
  wasHeard = false;

  constructor(agent: AgentEntry, parts: ServiceAttemptParts) {
    const { limits, onSent } = parts;
    this.agent = agent;
    this.ledger = new CreditLedger(limits.initialCreditBytes);
    this.channel = new FrameChannel({
      request: parts.request,
      publish: parts.publish,
      pool: parts.pool,
      onAcknowledged: () => {
        this.wasHeard = true;
        this.sender.pump();
      },
      onUndelivered: parts.onUndelivered,
    });
    this.sender = new BodySender({
      source: parts.source,
      channel: this.channel,
      gate: new CreditGate(agent.creditBytes, agent.link),
      chunkBytes: limits.chunkBytes,
      onProgress: (bytes) => onSent(bytes, this.sender.isOver),
    });
  }

  begin(head: RequestHead): void {
    this.sender.begin(FrameType.REQUEST, encodeHead(head));
  }

  /** Tells the agent that nobody waits any more, unless it has ended the request itself. */
  close(reason: string): void {
    if (!this.isEndedByAgent) this.channel.send({ type: FrameType.CANCEL, body: Buffer.from(reason) });
    this.channel.close();
    this.sender.stop();
  }
}

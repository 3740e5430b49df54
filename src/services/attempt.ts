import { BodySender } from './body-sender.ts';
import type { ByteSource } from './byte-source.ts';
import { CreditGate, CreditLedger } from './credit.ts';
import type { FramePool } from './frame-pool.ts';
import { FrameChannel, type PublishFrame } from './frame-channel.ts';
import { encodeHead, type RequestHead } from './message-heads.ts';
import type { ServiceHubLimits } from './options.ts';
import type { AgentEntry } from './service-directory.ts';
import { FrameType } from './wire.ts';

type AttemptParts = {
  readonly request: number;
  readonly publish: PublishFrame;
  readonly pool: FramePool;
  readonly source: ByteSource;
  readonly limits: ServiceHubLimits;
  readonly onSent: (bytes: number, isOver: boolean) => void;
  readonly onUndelivered: (error: Error | undefined) => void;
};

/** A request in the hands of one agent. */
export class Attempt {
  readonly agent: AgentEntry;
  readonly channel: FrameChannel;
  readonly sender: BodySender;
  /** Of the answer's body. */
  readonly ledger: CreditLedger;
  /** The agent has said its last word: it need not be told that nobody waits. */
  isEndedByAgent = false;
  /** The broker gave at least one frame to somebody. */
  wasHeard = false;

  constructor(agent: AgentEntry, parts: AttemptParts) {
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

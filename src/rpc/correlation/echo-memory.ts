import { AnswerTraces, isSameTrace, traceOf, type Trace } from './payload-traces.ts';

const MAX_TRACES = 64;
/** After so many requests in a row that got none of the answers that came, the pair is not one that echoes. */
const MAX_LOSSES = 5;

/**
 * What an answer says about its request:
 * - `own`: it holds the payload of the request in question
 * - `other`: it holds the payload of another recent request
 * - `missing`: it should hold the payload, as the others did, and does not
 * - `unknown`: nothing
 */
type EchoVerdict = 'own' | 'other' | 'missing' | 'unknown';

/**
 * Recognises answers by the request that their responder puts into them, if it does: `{"received": {"ask": "ping"}}`.
 */
export class EchoMemory {
  /** Of the last requests, the newest at the end. */
  readonly #traces: (Trace | undefined)[] = [];
  #echoes = false;
  /** An answer without its request was accepted: what looks like another request in an answer may be chance. */
  #isSilent = false;
  #losses = 0;

  get echoes(): boolean {
    return this.#echoes;
  }

  /** A request goes out. */
  remember(payload: Uint8Array): Trace | undefined {
    const trace = traceOf(payload);
    this.#traces.push(trace);
    if (this.#traces.length > MAX_TRACES) this.#traces.shift();
    return trace;
  }

  judge(trace: Trace | undefined, payload: Uint8Array): EchoVerdict {
    const known = this.#traces.filter((each) => each !== undefined);
    const answer = known.length === 0 ? undefined : AnswerTraces.read(payload);
    if (answer === undefined) return 'unknown';
    const others = known.filter((each) => trace === undefined || !isSameTrace(each, trace));
    if (trace !== undefined && answer.holds(trace, others)) return 'own';
    const mayBeChance = this.#isSilent && !this.#echoes;
    if (!mayBeChance && others.some((each) => answer.holds(each, known))) return 'other';
    const isDistinct = trace !== undefined && others.length === known.length - 1;
    return this.#echoes && isDistinct ? 'missing' : 'unknown';
  }

  /** An answer was given to the caller. */
  learn(verdict: EchoVerdict, trace: Trace | undefined): void {
    this.#losses = 0;
    if (verdict === 'own') this.#echoes = true;
    else if (trace !== undefined) this.#isSilent = true;
  }

  /** An answer was given to nobody; when it holds the newest request, the responder is one that echoes. */
  learnStray(payload: Uint8Array): void {
    const newest = this.#traces.at(-1);
    if (newest === undefined) return;
    if (
      AnswerTraces.read(payload)?.holds(
        newest,
        this.#traces.filter((each) => each !== undefined),
      ) === true
    )
      this.#echoes = true;
  }

  /** A request got no answer though there were some that were refused because of this. */
  learnLoss(): void {
    this.#losses++;
    if (this.#losses < MAX_LOSSES) return;
    this.#losses = 0;
    this.#echoes = false;
    this.#isSilent = true;
  }
}

import type { ProtocolVersion } from '../codec/control-packet.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import type { MqttClientError } from './client-error.ts';

/** What servers without MQTT 5 answer: a return code of MQTT 3, or the Reason Code. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([1, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION]);

/** Which version of MQTT a client tries: 5 and then, if the server does not know it, 3.1.1; or only one. */
export class VersionChoice {
  readonly #only: ProtocolVersion | undefined;
  /** The server has said so: it need not be asked each time. */
  #isRefused = false;
  /** Of the attempt with MQTT 5, while one with 3.1.1 follows it. */
  #failure: MqttClientError | undefined = undefined;
  #spoken: ProtocolVersion | undefined;

  constructor(only: ProtocolVersion | undefined) {
    this.#only = only;
    this.#spoken = only;
  }

  /** Of the last connection; undefined before the first one, unless there is only one. */
  get spoken(): ProtocolVersion | undefined {
    return this.#spoken;
  }

  /** A connection with `next` stands. */
  succeed(): void {
    this.#spoken = this.next;
    this.#failure = undefined;
  }

  /** For the next attempt. */
  get next(): ProtocolVersion {
    return this.#only ?? (this.#isRefused || this.#failure !== undefined ? 4 : 5);
  }

  /**
   * @param failure - of an attempt with `next`
   * @returns what the failure of both attempts is; undefined when `next` is to be tried at once
   */
  judge(failure: MqttClientError): MqttClientError | undefined {
    const earlier = this.#failure;
    this.#failure = undefined;
    // Where both versions fail, the first failure is the one about the version that was wanted.
    if (earlier !== undefined) return failure.code === 'BROKER_REFUSED' ? failure : earlier;
    if (this.#only !== undefined || this.#isRefused || !this.#mayBeOfVersion(failure)) return failure;
    this.#failure = failure;
    return undefined;
  }

  /**
   * Old servers end the connection without a word; so does one that is just starting, so that 5 is tried again the next
   * time. One that has spoken MQTT 5 before has another reason for it.
   */
  #mayBeOfVersion({ code, reasonCode, cause }: MqttClientError): boolean {
    if (code === 'BROKER_REFUSED') return (this.#isRefused = REFUSALS.has(reasonCode));
    if (code !== 'BROKER_UNREACHABLE' || this.#spoken === 5) return false;
    return cause === undefined || (cause as NodeJS.ErrnoException).code === 'ECONNRESET';
  }
}

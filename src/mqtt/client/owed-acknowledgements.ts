import type { ReceivedMessage } from './message.ts';

/** Those in front that have gone are cut off when they are so many, and at least half. */
const CUT_FROM = 64;

/**
 * Messages that are to be acknowledged, in the order in which they came: that is the order of their acknowledgements
 * [MQTT-4.6.0-2] [MQTT-4.6.0-3], so one that is held back holds back those behind it.
 */
export class OwedAcknowledgements {
  #messages: ReceivedMessage[] = [];
  /** Of each, whether only those before it are waited for. */
  #areReady: boolean[] = [];
  #first = 0;

  get size(): number {
    return this.#messages.length - this.#first;
  }

  add(message: ReceivedMessage, isReady: boolean): void {
    this.#messages.push(message);
    this.#areReady.push(isReady);
  }

  /** False when it is none of them, or was ready before. */
  makeReady(message: ReceivedMessage): boolean {
    const index = this.#messages.indexOf(message, this.#first);
    if (index < 0 || this.#areReady[index] === true) return false;
    this.#areReady[index] = true;
    return true;
  }

  /** The next one that may be acknowledged; undefined while it is held back. */
  takeReady(): ReceivedMessage | undefined {
    if (this.size === 0 || this.#areReady[this.#first] !== true) return undefined;
    const message = this.#messages[this.#first++];
    if (this.size === 0) this.clear();
    else if (this.#first >= CUT_FROM && this.#first * 2 >= this.#messages.length) this.#cut();
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#areReady = [];
    this.#first = 0;
  }

  #cut(): void {
    this.#messages.splice(0, this.#first);
    this.#areReady.splice(0, this.#first);
    this.#first = 0;
  }
}

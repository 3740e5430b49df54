import type { Bus } from '../bus/bus.ts';

/** Of one JSON text in a line: a log is read by people. */
const MAX_SHOWN_CHARACTERS = 2000;

/** `request: {"ask": "ping"} -> response: {"message": "pong"}`: what an agent says of each exchange. */
export function agentLine(requestJson: string, answerJson: string): string {
  return `request: ${showJson(requestJson)} -> response: ${showJson(answerJson)}`;
}

/** `Topic: api/ping/response, Message: {"message": "pong"}`: what a gateway says of each answer. */
export function gatewayLine(topicName: string, answerJson: string): string {
  return `Topic: ${topicName}, Message: ${showJson(answerJson)}`;
}

/** A line that the broker is there: now, if it is, and whenever it comes again. */
export function printConnections(bus: Bus, print: ((line: string) => void) | undefined): () => void {
  const printOne = (): void => print?.('Connected with reason code 0');
  if (bus.isConnected) printOne();
  return bus.watch(({ type }) => {
    if (type === 'connected') printOne();
  });
}

/**
 * JSON in one line, with a space after each colon and comma, as `json.dumps` of Python writes it; cut when it is long.
 *
 * @param json - valid JSON; it may have space of its own
 */
export function showJson(json: string): string {
  let shown = '';
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    if (shown.length >= MAX_SHOWN_CHARACTERS) return `${shown}…`;
    const character = json.charAt(at);
    if (isText) {
      shown += character;
      if (character === '\\') shown += json.charAt(++at);
      else if (character === '"') isText = false;
    } else if (!/\s/.test(character)) {
      shown += character === ':' || character === ',' ? `${character} ` : character;
      isText = character === '"';
    }
  }
  return shown;
}

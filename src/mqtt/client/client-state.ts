export const ClientState = {
  /** No connection: the next attempt follows. */
  WAITING: 0,
  /** Dials, and waits for CONNACK. */
  CONNECTING: 1,
  /** The broker has accepted it; subscriptions are being restored. */
  RESTORING: 2,
  /** Messages are sent. */
  CONNECTED: 3,
  /** Has said goodbye, and waits for the end of the connection. */
  CLOSING: 4,
  CLOSED: 5,
} as const;
export type ClientState = (typeof ClientState)[keyof typeof ClientState];

const { WAITING, CONNECTING, RESTORING, CONNECTED, CLOSING, CLOSED } = ClientState;

/** Where each state may lead. */
const TRANSITIONS: Readonly<Record<ClientState, readonly ClientState[]>> = {
  [WAITING]: [CONNECTING, CLOSED],
  // To itself: with another version of MQTT.
  [CONNECTING]: [CONNECTING, RESTORING, WAITING, CLOSING],
  [RESTORING]: [CONNECTED, WAITING, CLOSING],
  [CONNECTED]: [WAITING, CLOSING],
  [CLOSING]: [CLOSED],
  [CLOSED]: [],
};

/** @throws when the one state does not lead to the other */
export function expectTransition(from: ClientState, to: ClientState): void {
  if (!TRANSITIONS[from].includes(to)) throw new Error(`a client in state ${from} cannot come to ${to}`);
}

import { PacketType } from '../codec/control-packet.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { isDenialOf } from './ask-hooks.ts';
import { end } from './connection/end-connection.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import { withinHookTimeout } from './hook-timeout.ts';
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
  ClientInfo,
} from './hooks.ts';

const EMPTY = new Uint8Array(0);
const LATE: AuthenticationStep = Object.freeze({
  step: 'failure',
  reasonCode: ReasonCode.SERVER_UNAVAILABLE,
  reasonString: 'the decision took too long',
});

/** Who the exchange found, and what the last packet of it brings the client. */
type AuthenticationSuccess = { readonly userName: string; readonly data: Uint8Array | undefined };

const AuthenticationState = {
  /** The client is to say the next word. */
  ASKED: 0,
  /** The method is: nothing of the client is read. */
  DECIDING: 1,
  /** It has succeeded or failed, or its connection is over. */
  OVER: 2,
} as const;
type AuthenticationState = (typeof AuthenticationState)[keyof typeof AuthenticationState];

/** An exchange of AUTH packets, before the CONNACK or to authenticate again (section 4.12). */
export class Authentication {
  readonly #connection: Connection;
  readonly #method: AuthenticationMethod;
  readonly #client: ClientInfo;
  #exchange: AuthenticationExchange | undefined = undefined;
  readonly #onSuccess: (success: AuthenticationSuccess) => void;
  #state: AuthenticationState = AuthenticationState.ASKED;

  constructor(
    connection: Connection,
    method: AuthenticationMethod,
    client: ClientInfo,
    onSuccess: (success: AuthenticationSuccess) => void,
  ) {
    this.#connection = connection;
    this.#method = method;
    this.#client = client;
    this.#onSuccess = onSuccess;
  }

  /** Gives the exchange what the client sent; nothing else of the client is read until it has answered. */
  next(data: Uint8Array | undefined): void {
    try {
      this.#exchange ??= this.#method.begin(this.#client);
      const step = this.#exchange.next(data ?? EMPTY);
      if (!(step instanceof Promise)) {
        this.#take(step);
        return;
      }
      this.#state = AuthenticationState.DECIDING;
      this.#connection.inbox.decide();
      withinHookTimeout(this.#connection.engine, step, LATE)
        .then((answer) => {
          this.#take(answer);
          this.#connection.goOn();
        })
        .catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The connection is over: what is still being decided no longer matters. */
  abandon(): void {
    this.#state = AuthenticationState.OVER;
  }

  #take(step: AuthenticationStep): void {
    if (this.#state === AuthenticationState.OVER) return;
    if (step.step === 'continue') {
      const { name } = this.#method;
      this.#state = AuthenticationState.ASKED;
      this.#connection.send({
        type: 'auth',
        reasonCode: ReasonCode.CONTINUE_AUTHENTICATION,
        properties: { authenticationMethod: name, authenticationData: step.data },
      });
      return;
    }
    this.#state = AuthenticationState.OVER;
    this.#connection.authentication = undefined;
    if (step.step === 'success') this.#onSuccess({ userName: step.userName, data: step.data });
    else this.#refuse(step.reasonCode, step.reasonString ?? 'the client could not prove who it is');
  }

  #fail(error: unknown): void {
    // Also after a success that cannot be told, for instance with data that no packet can hold.
    if (this.#connection.state === ConnectionState.CLOSED) return;
    this.#state = AuthenticationState.OVER;
    this.#connection.engine.tellHookFailure(this.#method.name, 'authentication', error);
    this.#refuse(ReasonCode.UNSPECIFIED_ERROR, 'the authentication failed');
  }

  #refuse(reasonCode: ReasonCode, reason: string): void {
    const connection = this.#connection;
    if (connection.state === ConnectionState.CONNECTING) {
      // A Reason Code that a CONNACK cannot have becomes one that it can [MQTT-3.2.2-8].
      const isFit = isDenialOf(PacketType.CONNACK, reasonCode);
      end(connection, 'refused', { reasonCode: isFit ? reasonCode : ReasonCode.NOT_AUTHORIZED, reason });
    } else end(connection, 'refused', { reasonCode: ReasonCode.NOT_AUTHORIZED, reason }); // section 4.12.1
  }
}

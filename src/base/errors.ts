/**
 * Every error that Recado tells anyone about, in one table: the code that programs may rely on, the
 * HTTP status, and what it means in a sentence. `docs/errors.md` is checked against it.
 */
export const ERROR_TABLE = {
  DEVICE_UNKNOWN: { status: 404, title: 'No device has this id' },
  COMMAND_UNKNOWN: { status: 404, title: 'The device has no such command' },
  METRIC_UNKNOWN: { status: 404, title: 'The device has not reported this metric' },
  EVENT_UNKNOWN: { status: 404, title: 'The device tells no such event' },
  ROUTE_UNKNOWN: { status: 404, title: 'Nothing is served at this address' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This address is asked with other methods' },
  REQUEST_INVALID: { status: 400, title: 'The request could not be understood' },
  INPUT_INVALID: { status: 422, title: 'The input does not fit the schema of the command' },
  UNAUTHENTICATED: { status: 401, title: 'Credentials are missing or wrong' },
  FORBIDDEN: { status: 403, title: 'This caller may not do this' },
  USER_UNKNOWN: { status: 404, title: 'No user has this name' },
  USER_EXISTS: { status: 409, title: 'A user has this name already' },
  TOO_MANY_ATTEMPTS: { status: 429, title: 'Names and passwords were tried too often' },
  TOKEN_UNKNOWN: { status: 404, title: 'No token has this id' },
  WEBHOOK_UNKNOWN: { status: 404, title: 'No webhook has this id' },
  WEBHOOKS_FULL: { status: 409, title: 'The hub has as many webhooks as it may' },
  ACCOUNTS_FULL: { status: 409, title: 'The hub has as many accounts of this kind as it may' },
  DEVICE_ONLINE: { status: 409, title: 'The device is online' },
  DEVICE_OFFLINE: { status: 503, title: 'The device is known, but offline' },
  DEVICE_LOST: { status: 502, title: 'The connection to the device was lost before it answered' },
  DEVICE_ERROR: { status: 502, title: 'The device answered that the command failed' },
  BAD_ANSWER: { status: 502, title: 'The answer could not be read, or was too large' },
  ANSWER_TIMEOUT: { status: 504, title: 'No answer came in time' },
  TOO_MANY_INVOCATIONS: { status: 429, title: 'Too many invocations are waiting' },
  QUEUE_TIMEOUT: { status: 504, title: 'The device did not come in time' },
  INVOCATION_UNKNOWN: { status: 404, title: 'No invocation has this id' },
  BULK_UNKNOWN: { status: 404, title: 'The caller has no command to many devices with this id' },
  INVOCATION_ENDED: { status: 409, title: 'The invocation has ended' },
  IDEMPOTENCY_CONFLICT: { status: 409, title: 'The idempotency key stands for another request' },
  HUB_RESTARTED: { status: 502, title: 'The hub ended while the command was on its way' },
  STORE_UNAVAILABLE: { status: 503, title: 'What must last cannot be stored now' },
  INVOCATION_CANCELLED: { status: 499, title: 'The caller gave the invocation up' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The body is of a type or an encoding that is not taken' },
  BODY_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  INTERNAL: { status: 500, title: 'The server failed; its log says why' },
  HUB_STOPPING: { status: 503, title: 'The server is shutting down' },
  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid' },
  PORT_IN_USE: { status: 500, title: 'A port that the hub needs is taken' },
  LISTEN_FAILED: { status: 500, title: 'The hub could not listen where it was told to' },
  DATA_FOLDER_TAKEN: { status: 500, title: 'Another hub has the data folder' },
  DATA_FILE_FOREIGN: { status: 500, title: 'A file of the data folder is not for this version' },
  BACKUP_FAILED: { status: 500, title: 'A backup could not be made or brought back' },
  LISTENER_UNSAFE: { status: 500, title: 'The listener would be open to strangers' },
  DESCRIPTION_INVALID: { status: 400, title: 'The description of the device is not valid' },
  HELLO_INVALID: { status: 400, title: 'The first message of the device is not valid' },
  DEVICE_TOKEN_INVALID: { status: 401, title: 'The token of the device is missing or wrong' },
  DEVICE_ID_TAKEN: { status: 409, title: 'Another gateway has a device with this id' },
  TAKEN_OVER: { status: 409, title: 'Another connection came with the same device id' },
  MESSAGE_INVALID: { status: 400, title: 'A message of the device could not be read' },
  MESSAGE_TOO_LARGE: { status: 413, title: 'A message of the device was too large' },
  READING_REFUSED: { status: 422, title: 'A reading of the device was left out, or its time' },
  EVENT_REFUSED: { status: 422, title: 'An event of the device was left out, or its time' },
  BROKER_UNREACHABLE: { status: 503, title: 'The MQTT broker could not be reached' },
  BROKER_REFUSED: { status: 502, title: 'The MQTT broker refused the connection' },
  BROKER_DENIED: { status: 502, title: 'The MQTT broker denied a message or a subscription' },
  BROKER_OFFLINE: { status: 503, title: 'The MQTT broker was away, and the message was not sent' },
  BROKER_LOST: { status: 502, title: 'The connection to the MQTT broker was lost' },
  BROKER_TIMEOUT: { status: 504, title: 'The MQTT broker did not answer in time' },
  TOO_MANY_MESSAGES: { status: 429, title: 'Too many messages wait for the MQTT broker' },
  PACKET_TOO_LARGE: { status: 413, title: 'The message is larger than the MQTT broker takes' },
  NO_BROKER: { status: 404, title: 'The hub is no MQTT broker' },
  RETAINED_UNKNOWN: { status: 404, title: 'Nothing is retained on this topic' },
  RETAINED_FULL: { status: 507, title: 'As many messages are retained as may be' },
  CLIENT_UNKNOWN: { status: 404, title: 'The MQTT broker has no such client or session' },
  TOPIC_INVALID: { status: 400, title: 'The topic is not valid' },
  BUS_CLOSED: { status: 503, title: 'The connection to the MQTT broker was closed here' },
  NO_RESPONDER: { status: 503, title: 'Nobody is there to answer the request' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests wait for an answer' },
  REQUEST_CANCELLED: { status: 499, title: 'The caller gave the request up' },
  REQUESTER_CLOSED: { status: 503, title: 'The requester was closed before an answer came' },
  RESPONDER_CLOSED: { status: 503, title: 'The responder is stopping and takes no more requests' },
  SERVICE_UNKNOWN: { status: 404, title: 'No service has this name' },
  NO_AGENT: { status: 503, title: 'The service is known, but no agent of it is connected' },
  TARGET_DOWN: { status: 502, title: 'The agent of the service does not reach its target' },
  AGENT_INCOMPATIBLE: {
    status: 502,
    title: 'The agents of the service speak another version of the protocol',
  },
  AGENT_LOST: { status: 502, title: 'The agent of the service was lost before it had answered' },
  SERVICE_FORBIDDEN: { status: 403, title: 'The agent of the service does not let this request pass' },
  HEAD_TOO_LARGE: { status: 431, title: 'The head of the request is too large' },
  BODY_TIMEOUT: { status: 408, title: 'The body of the request did not come' },
} as const satisfies Record<string, { status: number; title: string }>;

/** A stable code: programs may compare it; the texts around it may change. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** `DEVICE_OFFLINE` → `device-offline`: the last part of a problem type (RFC 9457 section 3.1.1). */
export function problemSlug(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-');
}

/** One thing that is wrong in a value: where (a JSON pointer, RFC 6901), and what to do. */
export type Issue = {
  readonly pointer: string;
  readonly message: string;
  /** For words of one's own: which keyword does not fit, and what it asks for, or what is missing or unknown. */
  readonly keyword?: string;
  readonly limit?: number | string | string[];
};

/** What is thrown when something cannot go on. What is expected is a value, not this. */
export class RecadoError extends Error {
  override readonly name = 'RecadoError';
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; issues?: readonly Issue[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.issues = options.issues ?? [];
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }
}

/**
 * Thrown by a handler to say, in the device's own words, that a command failed. The caller sees the code, the
 * message and, where one is given, the status as the HTTP status of its call.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly status: number | undefined;

  /**
   * @param code - for programs, such as `RADIO_OFF`
   * @param message - for people: what is wrong, and what to do
   * @param options - `status`: an HTTP status from 400 to 599; without it callers see 502
   */
  constructor(code: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const { status } = options;
    if (status !== undefined && !(Number.isInteger(status) && status >= 400 && status <= 599)) {
      throw new RangeError(
        `CommandError ${code}: status must be a whole number from 400 to 599, not ${status}`,
      );
    }
    this.code = code;
    this.status = status;
  }
}

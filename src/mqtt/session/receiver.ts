/** What a session asks of the connection of its client. */
export type Receiver = {
  /** Whether more should be given; what is not waits in the session. */
  readonly takesMore: boolean;
};

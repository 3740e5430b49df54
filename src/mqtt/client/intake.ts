/** Whether a connection reads packets, as its owner may stop it in the middle of one. */
export const Intake = {
  /** Until more bytes come. */
  IDLE: 0,
  READING: 1,
  /** Stopped by what is being read: no other packet follows, unless it goes on before that returns. */
  STOPPING: 2,
  STOPPED: 3,
} as const;
export type Intake = (typeof Intake)[keyof typeof Intake];

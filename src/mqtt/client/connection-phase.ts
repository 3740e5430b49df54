/** How far one connection to a broker has come. */
export const Phase = {
  DIALING: 0,
  /** CONNECT is sent. */
  GREETING: 1,
  OPEN: 2,
  /** Nothing that comes counts any more. */
  ENDING: 3,
  ENDED: 4,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

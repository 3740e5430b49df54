/**
 * Counts the steps of what a packet causes, so that whoever reads packets can stop in time. A step is what delivering
 * a small message to one more subscriber takes.
 */
export type WorkMeter = { work: number };

/** What looking at one node of a tree counts for. */
export const NODE_STEPS = 2;
/** Subscription Identifiers that cost as much as a delivery, as a power of two. */
export const IDENTIFIERS_A_STEP_SHIFT = 3;
/** What adding or removing one node counts for: several tables change. */
export const NODE_CHANGE_STEPS = 16;
/** A filter in a SUBSCRIBE or UNSUBSCRIBE counts so much more: it is read, checked and answered, also when refused. */
export const FILTER_STEPS = 32;
/** Whatever depth it has, a topic or filter that comes or goes counts as so many nodes more. */
export const ENTRY_NODES = 2;

/**
 * Counts the steps of what a packet causes, so that whoever reads packets can stop in time. A step is what delivering
 * a small message to one more subscriber takes.
 */
export type WorkMeter = { work: number };

/** Bytes of a delivery that count for one more, as a power of two: they are copied. */
export const BYTES_A_STEP_SHIFT = 12;
/** Bytes of properties that count for one: each property is looked at. */
export const PROPERTY_BYTES_A_STEP_SHIFT = 4;
/** A rule that a hook looks up. */
export const ASKED_STEPS = 4;

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

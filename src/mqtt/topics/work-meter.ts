/**
 * Counts the steps of what a packet causes, so that whoever reads packets can stop in time. A step is about as much as
 * one delivery of a small message: a node of a tree that is looked at, a subscription that is found, a rule that is
 * asked.
 */
export type WorkMeter = { work: number };

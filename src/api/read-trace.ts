import type { FastifyRequest } from 'fastify';
import { isTraceParent } from '../base/trace-parent.ts';

/** The trace that a caller is part of. One that is none is left out, as W3C Trace Context asks (section 3.2). */
export function readTrace({ headers: { traceparent } }: FastifyRequest): string | undefined {
  return typeof traceparent === 'string' && isTraceParent(traceparent) ? traceparent : undefined;
}

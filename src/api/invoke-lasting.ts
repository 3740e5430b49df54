import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemClock } from '../base/clock.ts';
import type { InvocationRecord } from '../devices/invocation-record.ts';
import { Invocation } from '../devices/invocation.ts';
import { failureOf, type Hub } from '../hub/hub.ts';
import { ApiCaller } from './api-caller.ts';
import { readTrace } from './read-trace.ts';
import { readWaitPreference, type WaitPreference } from './prefer.ts';
import { RequestRefused, sendFailure } from './problems.ts';
import { showInvocation, writeInvocation } from './resources.ts';
import type { InvokeBody } from './schemas.ts';

const MAX_KEY_CHARACTERS = 255;

type LastingCall = {
  readonly request: FastifyRequest;
  readonly deviceId: string;
  readonly command: string;
  readonly body: InvokeBody;
};

type WaitingCall = {
  readonly invocation: Invocation;
  readonly preference: WaitPreference | undefined;
  readonly reply: FastifyReply;
};

/** Whether a caller asks for more than an answer while it waits: then the invocation goes on without it. */
export function asksForLasting({ headers }: FastifyRequest, { queueForMs }: InvokeBody): boolean {
  return (
    queueForMs !== undefined ||
    headers['idempotency-key'] !== undefined ||
    readWaitPreference(headers['prefer']) !== undefined
  );
}

/**
 * Invokes for an HTTP caller who may leave: with an idempotency key, a queue, or a wish not to wait. The answer is that
 * of the device, or 202 with the address of the invocation.
 */
export function invokeLasting(hub: Hub, call: LastingCall, reply: FastifyReply): void {
  const { request, deviceId, command, body } = call;
  const preference = readWaitPreference(request.headers['prefer']);
  const begun = hub.beginLasting(deviceId, command, {
    ...body,
    idempotencyKey: readKey(request.headers['idempotency-key']),
    caller: ApiCaller.of(request.raw.socket, hub).party(request),
    principal: request.principal.id,
    traceparent: readTrace(request),
  });
  if (!begun.ok) return void sendFailure(reply, begun.failure);
  const { invocation, isReplay } = begun.value;
  if (isReplay) reply.header('idempotency-replayed', 'true');
  if (!(invocation instanceof Invocation)) return sendEnd(reply, invocation);
  if (invocation.accepted === undefined) return waitForEnd(hub, { invocation, preference, reply });
  void invocation.accepted.then(() => waitForEnd(hub, { invocation, preference, reply }));
}

/** A key as it stands, or as a text of structured fields, in quotes. */
function readKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = [header].flat().join(',').trim();
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= MAX_KEY_CHARACTERS) return key;
  const message = `Idempotency-Key must be 1 to ${MAX_KEY_CHARACTERS} characters of ASCII, without spaces.`;
  throw new RequestRefused('REQUEST_INVALID', message);
}

/** Who says nothing waits for the end, unless the device has to come first. */
function waitForEnd(hub: Hub, { invocation, preference, reply }: WaitingCall): void {
  const isWaitingForDevice = invocation.state === 'queued' && invocation.lasting?.queueForMs !== undefined;
  const waitMs = preference?.waitMs ?? (isWaitingForDevice ? 0 : undefined);
  if (waitMs === 0 && !invocation.isEnded) return sendAccepted(hub, { invocation, preference, reply });
  // What waits holds on to the response only until it is answered.
  let waiting: FastifyReply | undefined = reply;
  const timer =
    waitMs === undefined
      ? undefined
      : systemClock.setTimer(Math.min(waitMs, LONGEST_WAIT_MS), () => {
          if (waiting !== undefined) sendAccepted(hub, { invocation, preference, reply: waiting });
          waiting = undefined;
        });
  invocation.whenDone((ended) => {
    timer?.clear();
    if (waiting === undefined) return;
    // Where the hub stops, it goes on when the hub does.
    if (ended.isEnded) sendEnd(waiting, ended);
    else sendAccepted(hub, { invocation, preference, reply: waiting });
    waiting = undefined;
  });
}

/** A timer of Node takes no more. */
const LONGEST_WAIT_MS = 2_147_483_647;

/** As others see it: an end that is not written down yet is none. */
function sendAccepted(hub: Hub, { invocation, preference, reply }: WaitingCall): void {
  reply.code(202).header('location', `/api/v1/invocations/${invocation.id}`);
  if (preference !== undefined) reply.header('preference-applied', preference.applied);
  reply
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ invocation: showInvocation(hub.book.get(invocation.id) ?? invocation) }));
}

function sendEnd(reply: FastifyReply, ended: Invocation | InvocationRecord): void {
  if (ended.state !== 'completed') return void sendFailure(reply, failureOf(ended));
  const outputText = ended instanceof Invocation ? JSON.stringify(ended.output ?? null) : ended.outputText;
  sendOutput(reply, outputText ?? 'null', ended);
}

/** A text passes Fastify's serialisation by, which would cost as much as all else that the hub does for a command. */
export function sendOutput(
  reply: FastifyReply,
  outputText: string,
  invocation: Invocation | InvocationRecord,
): void {
  reply
    .type('application/json; charset=utf-8')
    .send(`{"output":${outputText},"invocation":${writeInvocation(invocation)}}`);
}

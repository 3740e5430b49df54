import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from '../../config/type.ts';
import type { Invocation } from '../../devices/invocation.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { invokeForCaller } from '../invoke-for-caller.ts';
import { sendFailure } from '../problems.ts';
import { showCommand, writeInvocation } from '../resources.ts';
import {
  CommandListSchema,
  CommandName,
  DeviceId,
  DeviceParams,
  InvocationAnswerSchema,
  InvokeBodySchema,
  PROBLEM_RESPONSE,
} from '../schemas.ts';

const InvokeSchema = {
  operationId: 'invokeCommand',
  summary: 'Invokes a command of a device and waits for its output',
  tags: ['commands'],
  params: Type.Object({ deviceId: DeviceId, commandName: CommandName }),
  body: InvokeBodySchema,
  response: {
    200: InvocationAnswerSchema,
    ...PROBLEM_RESPONSE,
  },
};

const INVOKE = { config: { verb: 'command' as const }, schema: InvokeSchema };

const ListSchema = {
  operationId: 'listCommands',
  summary: 'Lists the commands of a device, with their schemas',
  tags: ['commands'],
  params: DeviceParams,
  response: { 200: CommandListSchema, ...PROBLEM_RESPONSE },
};

/** Lists and invokes commands: the device's answer is the answer of the request. */
export const commandRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/commands', { schema: ListSchema }, async (request) => ({
    commands: findDevice(hub, request.params.deviceId).description.commands.map(showCommand),
  }));

  app.post('/devices/:deviceId/commands/:commandName', INVOKE, (request, reply) => {
    const { deviceId, commandName: command } = request.params;
    const { input, timeoutMs } = request.body;
    // The invocation has it as text.
    request.body = {};
    invokeForCaller(hub, { request, deviceId, command, input, timeoutMs }, (end) => {
      if (end.ok) sendOutput(reply, end.value);
      else sendFailure(reply, end.failure);
    });
  });
};

/** A text passes Fastify's serialisation by, which would cost as much as all else that the hub does for a command. */
function sendOutput(reply: FastifyReply, invocation: Invocation): void {
  const output = JSON.stringify(invocation.output ?? null);
  reply
    .type('application/json; charset=utf-8')
    .send(`{"output":${output},"invocation":${writeInvocation(invocation)}}`);
}

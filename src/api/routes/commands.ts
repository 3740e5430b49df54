import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { invokeForCaller } from '../invoke-for-caller.ts';
import { asksForLasting, invokeLasting, sendOutput } from '../invoke-lasting.ts';
import { sendFailure } from '../problems.ts';
import { showCommand } from '../resources.ts';
import {
  AcceptedSchema,
  CommandListSchema,
  CommandName,
  DeviceId,
  DeviceParams,
  InvocationAnswerSchema,
  InvokeBodySchema,
  InvokeHeadersSchema,
  PROBLEM_RESPONSE,
} from '../schemas.ts';

const InvokeSchema = {
  operationId: 'invokeCommand',
  summary: 'Invokes a command of a device and waits for its output',
  tags: ['commands'],
  params: Type.Object({ deviceId: DeviceId, commandName: CommandName }),
  headers: InvokeHeadersSchema,
  body: InvokeBodySchema,
  response: {
    200: InvocationAnswerSchema,
    202: AcceptedSchema,
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
    const { body } = request;
    const { input, timeoutMs } = body;
    // The invocation has it as text.
    request.body = {};
    if (asksForLasting(request, body)) return invokeLasting(hub, { request, deviceId, command, body }, reply);
    invokeForCaller(hub, { request, deviceId, command, input, timeoutMs }, (end) => {
      if (end.ok) sendOutput(reply, JSON.stringify(end.value.output ?? null), end.value);
      else sendFailure(reply, end.failure);
    });
  });
};

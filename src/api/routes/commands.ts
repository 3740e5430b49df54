import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Hub } from '../../hub/hub.ts';
import { invokeForCaller } from '../caller.ts';
import { findDevice } from '../find-device.ts';
import { sendFailure } from '../problems.ts';
import { showCommand, showInvocation } from '../resources.ts';
import { Command, CommandName, DeviceId, DeviceParams, Invocation, PROBLEM_RESPONSE } from '../schemas.ts';

const InvokeSchema = {
  operationId: 'invokeCommand',
  summary: 'Invokes a command of a device and waits for its output',
  tags: ['commands'],
  params: Type.Object({ deviceId: DeviceId, commandName: CommandName }),
  body: Type.Object(
    {
      input: Type.Optional(Type.Unknown({ description: 'Checked against the schema of the command' })),
      timeoutMs: Type.Optional(
        Type.Integer({
          minimum: 1,
          description: 'Wait for the device, in ms; at most invocations.maxTimeoutMs',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: Type.Object({ output: Type.Unknown(), invocation: Invocation }), ...PROBLEM_RESPONSE },
};

const ListSchema = {
  operationId: 'listCommands',
  summary: 'Lists the commands of a device, with their schemas',
  tags: ['commands'],
  params: DeviceParams,
  response: { 200: Type.Object({ commands: Type.Array(Command) }), ...PROBLEM_RESPONSE },
};

/** Lists and invokes commands: the device's answer is the answer of the request. */
export const commandRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/commands', { schema: ListSchema }, async (request) => ({
    commands: findDevice(hub, request.params.deviceId).description.commands.map(showCommand),
  }));

  app.post('/devices/:deviceId/commands/:commandName', { schema: InvokeSchema }, async (request, reply) => {
    const { deviceId, commandName } = request.params;
    const { input, timeoutMs } = request.body;
    const outcome = await invokeForCaller(hub, {
      request,
      reply,
      deviceId,
      command: commandName,
      input,
      timeoutMs,
    });
    if (!outcome.ok) return sendFailure(reply, outcome.failure, outcome.invocation);
    return { output: outcome.output ?? null, invocation: showInvocation(outcome.invocation) };
  });
};

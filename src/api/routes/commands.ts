import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Invocation } from '../../devices/invocation.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { invokeForCaller } from '../invoke-for-caller.ts';
import { sendFailure } from '../problems.ts';
import { showCommand, writeInvocation } from '../resources.ts';
import {
  Command,
  CommandName,
  DeviceId,
  DeviceParams,
  Invocation as InvocationSchema,
  PROBLEM_RESPONSE,
} from '../schemas.ts';

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
  response: {
    200: Type.Object({ output: Type.Unknown(), invocation: InvocationSchema }),
    ...PROBLEM_RESPONSE,
  },
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

  app.post('/devices/:deviceId/commands/:commandName', { schema: InvokeSchema }, (request, reply) => {
    const { deviceId, commandName: command } = request.params;
    const { input, timeoutMs } = request.body;
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

import { version } from '../base/version.ts';
import type { Command } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';
import { AcceptedSchema, InvocationAnswerSchema, InvokeBodySchema, PROBLEM_RESPONSE } from './schemas.ts';

/*
 * The description of live devices (OpenAPI 3.1): each command of each device is a path of its own, with the schemas
 * that the device gave.
 */

const { default: REFUSED } = PROBLEM_RESPONSE;

/** As texts, an item each; `devices` are those that the caller may command. */
export function* describeDevices(devices: Iterable<Device>): Generator<string> {
  const head = {
    openapi: '3.1.0',
    info: {
      title: 'Devices of Recado',
      version,
      description: 'The commands of each device, as it described them.',
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      responses: {
        Accepted: { description: 'It is not done yet', content: jsonOf(AcceptedSchema) },
        Refused: REFUSED,
      },
    },
    security: [{ token: [] }, {}],
  };
  yield `${JSON.stringify(head).slice(0, -1)},"paths":{`;
  let before = '';
  for (const { id, title = id, description } of devices) {
    for (const command of description.commands) {
      const path = `/api/v1/devices/${encodeURIComponent(id)}/commands/${encodeURIComponent(command.name)}`;
      yield `${before}${JSON.stringify(path)}:${JSON.stringify({ post: describeCommand(id, title, command) })}`;
      before = ',\n';
    }
  }
  yield '}}';
}

function describeCommand(id: string, title: string, command: Command): object {
  const { name, kind, input, output = {} } = command;
  const { input: anyInput, ...others } = InvokeBodySchema.properties;
  const body = { ...InvokeBodySchema, title: undefined, properties: { ...others, input: input ?? anyInput } };
  const answer = InvocationAnswerSchema.properties;
  return {
    operationId: `${id}/${name}`,
    summary: command.title,
    description: `Kind: ${kind}.`,
    tags: [title],
    requestBody: { required: false, content: jsonOf(body) },
    responses: {
      200: {
        description: 'The output of the device',
        content: jsonOf({ ...InvocationAnswerSchema, title: undefined, properties: { ...answer, output } }),
      },
      202: { $ref: '#/components/responses/Accepted' },
      default: { $ref: '#/components/responses/Refused' },
    },
  };
}

function jsonOf(schema: object): object {
  return { 'application/json': { schema } };
}

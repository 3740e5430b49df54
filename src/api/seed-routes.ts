import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { may } from '../accounts/permissions.ts';
import type { Principal } from '../accounts/principal.ts';
import type { Command } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';
import type { Failure } from '../devices/failure.ts';
import type { Hub } from '../hub/hub.ts';
import { invokeForCaller } from './invoke-for-caller.ts';
import { fitSeedInput, seedDescription } from './seed-words.ts';

const NOT_FOUND = { Resposta: 'Dispositivo não encontrado' };
const INVALID_COMMAND = { Resposta: 'Comando inválido' };
const NO_DATA = { Resposta: 'Não foram retornados dados do dispositivo' };

/** It asks whether the device is there; no description has it. */
const KEEP_ALIVE = 0;

type Params = { deviceId: string; number: string; '*'?: string };

/** The routes that programs written for the plain socket protocol know, word for word; every device is served. */
export const seedRoutes: FastifyPluginAsync<{ hub: Hub }> = async (app, { hub }) => {
  // Those programs send bodies and content types that mean nothing here.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null));

  app.head('/', { config: { verb: 'any' } }, async (_request, reply) => reply.code(200).send());
  const list = async ({ principal }: FastifyRequest): Promise<string[]> => onlineIds(hub, principal);
  app.get('/devices', { config: { verb: 'any' }, schema: { hide: true } }, list);
  app.get('/devices/', { config: { verb: 'any' }, schema: { hide: true } }, list);
  app.get<{ Params: Params }>(
    '/devices/:deviceId/commands/description',
    { schema: { hide: true } },
    async (request, reply) => {
      const device = online(hub, request.params.deviceId);
      return device === undefined ? reply.code(404).send(NOT_FOUND) : seedDescription(device);
    },
  );
  addCommandRoutes(app, hub);
};

function addCommandRoutes(app: FastifyInstance, hub: Hub): void {
  const invoke = (request: FastifyRequest<{ Params: Params }>, reply: FastifyReply): void =>
    invokeSeedCommand(hub, request, reply);
  const options = {
    config: { verb: 'command' as const },
    schema: { hide: true, operationId: 'invokeCommand' },
  };
  app.get('/devices/:deviceId/commands/:number', options, invoke);
  app.post('/devices/:deviceId/commands/:number', options, invoke);
  // The rest of the path is the value, slashes and all.
  app.patch('/devices/:deviceId/commands/:number/*', options, invoke);
}

function invokeSeedCommand(hub: Hub, request: FastifyRequest<{ Params: Params }>, reply: FastifyReply): void {
  const { deviceId, number } = request.params;
  const device = online(hub, deviceId);
  if (device === undefined) return void reply.code(404).send(NOT_FOUND);
  if (!/^\d{1,6}$/.test(number)) return void reply.code(400).send(INVALID_COMMAND);
  const command = commandFor(device, Number(number), request.method);
  const input = command === undefined ? undefined : fitSeedInput(command, request.params['*']);
  if (command === undefined || input === undefined) return void reply.code(400).send(INVALID_COMMAND);
  invokeForCaller(hub, { request, deviceId, command, input: input.value }, (end) => {
    if (end.ok) reply.send({ Resposta: end.value.output });
    else answerFailure(reply, end.failure, device, command);
  });
}

/** The command with this number. A device that judges numbers itself is asked whatever number came, but for a GET. */
function commandFor(device: Device, number: number, method: string): Command | undefined {
  const known = device.commandByNumber(number);
  // Browsers send a GET for a picture on any page: it may read, and nothing else.
  if (method !== 'POST' && method !== 'PATCH' && known?.kind !== 'read' && number !== KEEP_ALIVE)
    return undefined;
  // Without its input, a command that wants one would break devices that take it for granted.
  if (known?.input !== undefined && method !== 'PATCH') return undefined;
  if (device.description.numbered === undefined) return known;
  if (known !== undefined && (known.input !== undefined) === (method === 'PATCH')) return known;
  return {
    name: known?.name ?? String(number),
    number,
    title: known?.title ?? '',
    kind: known?.kind ?? 'action',
    ...(method === 'PATCH' && { input: { type: 'string' } }),
    idempotent: false,
    concurrency: 'parallel',
  };
}

function answerFailure(
  reply: FastifyReply,
  failure: Failure,
  device: Device,
  command: Command,
): FastifyReply {
  switch (failure.code) {
    case 'DEVICE_ERROR':
      // For a plain device this is the reason why a reading is not valid, which those programs show like any answer.
      if (device.description.numbered !== undefined) return reply.send({ Resposta: failure.message });
      return reply
        .code(failure.device?.status ?? 502)
        .send({ Resposta: failure.device?.payload ?? failure.message });
    case 'ANSWER_TIMEOUT':
      if (isFromDatagrams(device, command)) return reply.send(NO_DATA);
      return reply.code(504).send({ Resposta: 'O dispositivo não respondeu' });
    case 'DEVICE_UNKNOWN':
    case 'DEVICE_OFFLINE':
    case 'DEVICE_LOST':
      return reply.code(404).send(NOT_FOUND);
    case 'INPUT_INVALID':
    case 'COMMAND_UNKNOWN':
      return reply.code(400).send(INVALID_COMMAND);
    case 'TOO_MANY_INVOCATIONS':
      return reply
        .code(429)
        .header('retry-after', failure.retryAfterSeconds ?? 1)
        .send({ Resposta: 'Muitas requisições para o dispositivo' });
    case 'HUB_STOPPING':
      return reply.code(503).send({ Resposta: 'O servidor está sendo encerrado' });
    default:
      return reply.code(502).send({ Resposta: 'A resposta do dispositivo não pôde ser lida' });
  }
}

function isFromDatagrams(device: Device, command: Command): boolean {
  const described = device.description.numbered?.[String(command.number)];
  return (
    typeof described === 'object' &&
    described !== null &&
    (described as Record<string, unknown>)['Coleta de dados UDP'] === true
  );
}

function online(hub: Hub, deviceId: string): Device | undefined {
  const device = hub.devices.get(deviceId);
  return device?.isOnline === true ? device : undefined;
}

function onlineIds(hub: Hub, principal: Principal): string[] {
  const ids: string[] = [];
  for (const { id, isOnline } of hub.devices.all())
    if (isOnline && may(principal, 'read', hub.devices.targetOf(id))) ids.push(id);
  return ids;
}

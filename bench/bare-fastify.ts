import Fastify from 'fastify';

/*
 * What the hub's routes are held against: Fastify alone, routes with schemas for what comes and goes (one without a
 * body, one with a JSON body), no device behind them. Prints its port; ends with its standard input.
 */

const app = Fastify();

app.post(
  '/devices/:deviceId/commands/:number',
  {
    schema: {
      params: {
        type: 'object',
        properties: { deviceId: { type: 'string', maxLength: 64 }, number: { type: 'integer', minimum: 0 } },
        required: ['deviceId', 'number'],
      },
      response: {
        200: { type: 'object', properties: { Resposta: { type: 'string' } }, required: ['Resposta'] },
      },
    },
  },
  async () => ({ Resposta: 'ok' }),
);

app.post(
  '/json/:deviceId/commands/:name',
  {
    schema: {
      params: {
        type: 'object',
        properties: { deviceId: { type: 'string', maxLength: 64 }, name: { type: 'string', maxLength: 64 } },
        required: ['deviceId', 'name'],
      },
      body: {
        type: 'object',
        properties: { input: {}, timeoutMs: { type: 'integer', minimum: 1 } },
        additionalProperties: false,
      },
      response: { 200: { type: 'object', properties: { output: {} }, required: ['output'] } },
    },
  },
  async () => ({ output: 'ok' }),
);

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`port ${new URL(url).port}\n`);
process.stdin.resume().once('end', () => process.exit(0));

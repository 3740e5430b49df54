import Fastify from 'fastify';

/*
 * What the hub's routes are held against: Fastify alone, one route with a schema for its parameters and its answer, no
 * device behind it. Prints its port; ends with its standard input.
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

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`port ${new URL(url).port}\n`);
process.stdin.resume().once('end', () => process.exit(0));

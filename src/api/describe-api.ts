import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { SESSION_COOKIE } from '../accounts/session-cookie.ts';
import { version } from '../base/version.ts';
import { COMPILERS } from './validator.ts';

type Json = { readonly [name: string]: unknown };
type RequestBody = {
  required: boolean;
  readonly content: { readonly 'application/json': { readonly schema: Json } };
};

/**
 * The description of the API for `/openapi.json`, as JSON, made from routes of an instance that never listens: a hub
 * that is not asked for it goes without what describes, and without the library that does.
 */
export async function describeApi(registerRoutes: (app: FastifyInstance) => Promise<void>): Promise<string> {
  const app = Fastify({ exposeHeadRoutes: false, schemaController: COMPILERS });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Recado',
        version,
        description: 'Devices behind one HTTP address: list, describe, command, observe.',
      },
      components: {
        securitySchemes: {
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description: 'Of a person who has signed in',
          },
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of an account, or one of `http.tokens`',
          },
        },
      },
      // Callers from `http.trustedNetworks` need none.
      security: [{ token: [] }, { session: [] }, {}],
    },
  });
  await registerRoutes(app);
  await app.ready();
  const { paths, components, ...document } = app.swagger() as Json & { components: Json };
  tellOptionalBodies(paths as Json);
  const told = Object.fromEntries(Object.entries(paths as Json).map(nameRest));
  const schemas: Record<string, unknown> = {};
  const named = nameSchemas(told, schemas);
  return JSON.stringify({ ...document, components: { ...components, schemas }, paths: named });
}

/** Puts schemas that have a title among the components, and refers to them. */
function nameSchemas(value: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => nameSchemas(item, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([name, member]) => [name, nameSchemas(member, schemas)] as const,
  );
  const { title, ...rest } = Object.fromEntries<unknown>(members);
  // In the properties of a schema, a title is a schema itself.
  if (typeof title !== 'string') return title === undefined ? rest : { title, ...rest };
  schemas[title] = rest;
  return { $ref: `#/components/schemas/${title}` };
}

/** A request without a body is taken for one with an empty object: where nothing must be in it, it may be left out. */
function tellOptionalBodies(paths: Json): void {
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path as Json))) {
    const { requestBody: body } = operation as { requestBody?: RequestBody };
    if (body !== undefined) body.required = body.content['application/json'].schema['required'] !== undefined;
  }
}

const REST = '{*}';
/** What the rest of an address is, where a route takes all of it. */
const REST_NAME = 'topic';
const BYTES = { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };

/** Fastify has no name for the rest of an address, and no words for a body that is no JSON. */
function nameRest([path, operations]: [string, unknown]): [string, unknown] {
  if (!path.endsWith(REST)) return [path, operations];
  const named = Object.entries(operations as Record<string, { parameters: Json[] }>).map(
    ([method, operation]) => {
      const parameters = operation.parameters.map((each) =>
        each['name'] === '*' ? { ...each, name: REST_NAME } : each,
      );
      const takesBytes = method === 'put' || method === 'post';
      return [method, { ...operation, parameters, ...(takesBytes && { requestBody: BYTES }) }];
    },
  );
  return [path.replace(REST, `{${REST_NAME}}`), Object.fromEntries(named)];
}

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';
import { routeKey } from '../../fixed-routes/http-route.ts';
import { findReferences } from '../../fixed-routes/mapping.ts';
import type { SchemaNode } from '../config/config-keys.ts';
import type { Environment } from '../config/read-environment.ts';
import type { Mistake } from '../config/setting.ts';
import { AgentSchema, type AgentConfig } from './agent-schema.ts';
import { GatewaySchema, type GatewayConfig } from './gateway-schema.ts';
import { readFixedRoutes, type FixedRoutesReading } from './read-fixed-routes.ts';
import { readLeaf } from './read-leaf.ts';

/** More than a thousand routes with room to spare. */
const MAX_FILE_BYTES = 4_194_304;
const HEALTH_ROUTE = 'GET /healthz';

/** What `gateway.yaml` or `agent.yaml` says, or everything that is wrong with it at once. */
export type RoutesReading<T> =
  | { readonly ok: true; readonly config: T }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

export type RoutesSources = {
  readonly file: string;
  /** The folder that a relative name starts from. */
  readonly folder: string;
  /** `RECADO_BROKER` overrides the broker of the file. */
  readonly environment: Environment;
};

/** Reads the configuration of a gateway. */
export function loadGatewayConfig(sources: RoutesSources): RoutesReading<GatewayConfig> {
  return load<GatewayConfig>(sources, GatewaySchema, findGatewayMistakes);
}

/** Reads the configuration of an agent. */
export function loadAgentConfig(sources: RoutesSources): RoutesReading<AgentConfig> {
  return load<AgentConfig>(sources, AgentSchema, findAgentMistakes);
}

/** Of which kind a file is, by its keys; undefined when it has no routes, or cannot be read. */
export function recognizeRoutesFile(file: string, folder: string): 'gateway' | 'agent' | undefined {
  const text = readText(file, folder);
  if (!text.ok) return undefined;
  const { contents } = parseDocument(text.text, { version: '1.2', prettyErrors: false });
  if (!isMap(contents) || !contents.has('routes')) return undefined;
  const routes = contents.get('routes');
  const items = isSeq(routes) ? routes.items : [];
  const isAgent = !contents.has('http') && items.some((item) => isMap(item) && item.has('call'));
  return isAgent ? 'agent' : 'gateway';
}

type Place = (path: string) => string;

function load<T extends { readonly broker: string }>(
  { file, folder, environment }: RoutesSources,
  schema: SchemaNode,
  findMistakes: (config: T, place: Place) => Mistake[],
): RoutesReading<T> {
  const text = readText(file, folder);
  if (!text.ok) return { ok: false, mistakes: [{ where: file, message: text.message }] };
  const reading: FixedRoutesReading = readFixedRoutes(text.text, file, schema);
  const mistakes = [...reading.mistakes];
  const broker = environment['RECADO_BROKER'];
  const fromEnvironment =
    broker === undefined ? undefined : readLeaf(broker, schema.properties?.['broker'] ?? schema);
  if (fromEnvironment?.ok === false)
    mistakes.push(...fromEnvironment.mistakes.map(({ message }) => ({ where: 'RECADO_BROKER', message })));
  const config = { ...reading.value, ...(broker !== undefined && { broker }) } as unknown as T;
  if (mistakes.length === 0)
    mistakes.push(...findMistakes(config, (path) => reading.places.get(path) ?? `${file} ${path}`));
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, config };
}

function findGatewayMistakes({ routes }: GatewayConfig, place: Place): Mistake[] {
  const seen = new Map<string, number>();
  return routes.flatMap((route, index) => {
    const path = `routes[${index}]`;
    const mistakes = findLoop(route, path, place);
    const key = routeKey(route.route);
    const first = seen.get(key);
    const tellRoute = (message: string): void =>
      void mistakes.push({ where: place(`${path}.route`), message });
    if (first !== undefined) tellRoute(`is the same as routes[${first}]; keep one of them`);
    if (key === HEALTH_ROUTE)
      tellRoute('is the one by which the gateway tells of itself; choose another path');
    seen.set(key, first ?? index);
    const { params } = route.route;
    for (const { root, steps } of route.payload === undefined ? [] : findReferences(route.payload)) {
      const name = steps[0];
      if (root !== 'params' || name === undefined || params.includes(String(name))) continue;
      const message = `refers to $params.${name}, but the path of the route has no :${name}`;
      mistakes.push({ where: place(`${path}.payload`), message });
    }
    return mistakes;
  });
}

function findAgentMistakes({ routes }: AgentConfig, place: Place): Mistake[] {
  const seen = new Map<string, number>();
  return routes.flatMap((route, index) => {
    const path = `routes[${index}]`;
    const mistakes = findLoop(route, path, place);
    const first = seen.get(route.request);
    seen.set(route.request, first ?? index);
    if (first === undefined) return mistakes;
    const message = `is the topic of routes[${first}] too; each question would be answered twice`;
    return [...mistakes, { where: place(`${path}.request`), message }];
  });
}

/** An agent that hears its own answers would answer them for ever. */
function findLoop(
  { request, response }: { readonly request: string; readonly response: string },
  path: string,
  place: Place,
): Mistake[] {
  if (request !== response) return [];
  const message = 'is the topic of the request too; answers need one of their own';
  return [{ where: place(`${path}.response`), message }];
}

function readText(file: string, folder: string): { ok: true; text: string } | { ok: false; message: string } {
  const name = isAbsolute(file) ? file : join(folder, file);
  try {
    if (statSync(name).size > MAX_FILE_BYTES)
      return { ok: false, message: `is larger than ${MAX_FILE_BYTES} bytes` };
    return { ok: true, text: readFileSync(name, 'utf8') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { ok: false, message: 'there is no such file' };
    if (code === 'EISDIR') return { ok: false, message: 'this is a folder, not a file' };
    return { ok: false, message: `cannot be read: ${message}` };
  }
}

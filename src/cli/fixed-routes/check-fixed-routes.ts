import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { MASK } from '../../hub/config/mask-secrets.ts';
import type { Environment } from '../../hub/config/read-environment.ts';
import { formatMistake } from '../../hub/config/setting.ts';
import { findOpenGateway } from '../../hub/fixed-routes/gateway-safety.ts';
import {
  loadAgentConfig,
  loadGatewayConfig,
  recognizeRoutesFile,
  type RoutesSources,
} from '../../hub/fixed-routes/load-fixed-routes.ts';

type CheckOptions = { readonly folder: string; readonly environment: Environment; readonly print: boolean };

/** What to say of gateway.yaml or agent.yaml; undefined when the file is neither. */
export function checkFixedRoutes(
  file: string,
  { folder, environment, print }: CheckOptions,
): { readonly ok: boolean; readonly lines: readonly string[] } | undefined {
  const kind = recognizeRoutesFile(file, folder);
  if (kind === undefined) return undefined;
  const wrong = findMistakes(kind, { file, folder, environment });
  if (wrong.length > 0) return { ok: false, lines: wrong };
  const result = `${file} is good, for recado ${kind === 'gateway' ? 'gateway' : 'agent'} --config.`;
  return { ok: true, lines: print ? [`# ${result}`, showMasked(resolve(folder, file))] : [result] };
}

function findMistakes(kind: 'gateway' | 'agent', sources: RoutesSources): string[] {
  const reading = kind === 'gateway' ? loadGatewayConfig(sources) : loadAgentConfig(sources);
  if (!reading.ok) return reading.mistakes.map(formatMistake);
  if (!('http' in reading.config) || reading.config.insecure) return [];
  const open = findOpenGateway(reading.config);
  return open === undefined ? [] : [`${sources.file} http.host: ${open}`];
}

/** As the person wrote it, without what must not be seen. */
function showMasked(file: string): string {
  const config = parse(readFileSync(file, 'utf8'), { version: '1.2' }) as Record<string, unknown>;
  const { broker, http } = config;
  const masked = {
    ...config,
    ...(typeof broker === 'string' && { broker: broker.replace(/\/\/[^/]*@/, `//${MASK}@`) }),
    ...(typeof http === 'object' &&
      http !== null &&
      'tokens' in http && { http: { ...http, tokens: [MASK] } }),
  };
  return stringify(masked).trimEnd();
}

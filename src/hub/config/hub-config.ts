import { collectKeys } from '../../config/config-keys.ts';
import { LOOPBACK_NETWORKS } from '../../base/networks.ts';
import { findMissingFiles, findMissingProxies } from '../../config/http-listener.ts';
import {
  assembleConfig,
  isSet,
  type ConfigDefinition,
  type Contradiction,
} from '../../config/load-config.ts';
import { configuredPorts } from './configured-ports.ts';
import { ConfigSchema, type Config } from './config-schema.ts';

/** What `recado hub` can be told. */
export const HUB_CONFIG: ConfigDefinition<Config> = {
  schema: ConfigSchema,
  variables: collectKeys(ConfigSchema),
  // RECADO_BROKER is where clients connect.
  otherVariables: [
    'RECADO_CONFIG',
    'RECADO_URL',
    'RECADO_TOKEN',
    'RECADO_LANG',
    'RECADO_BROKER',
    'RECADO_BROKER_FILE',
  ],
  fileVariable: 'RECADO_CONFIG',
  usualFile: 'recado.yaml',
  completeValues: (values) => ({
    // Who brings a broker wants no second one beside it, unless it is written.
    ...(isSet(values, 'mqtt.external') && { 'mqtt.enabled': false }),
    // Who wants proof wants it from all: on this machine, too, a proxy may stand.
    'http.trustedNetworks': trustUnless(isSet(values, 'http.tokens') || isSet(values, 'mqtt.passwordFile')),
    'mqtt.trustedNetworks': trustUnless(isSet(values, 'mqtt.passwordFile')),
    'mqtt.webSocket.trustedNetworks':
      values.get('mqtt.trustedNetworks') ??
      trustUnless(isSet(values, 'http.tokens') || isSet(values, 'mqtt.passwordFile')),
    'gateways.socket.trustedNetworks': trustUnless(isSet(values, 'gateways.socket.deviceTokens')),
  }),
  findContradictions,
};

/** The configuration of a hub that was told nothing: loopback only, the usual ports. A new object each time. */
export function defaultConfig(): Config {
  const result = assembleConfig(HUB_CONFIG, []);
  if (!result.ok) throw new TypeError('the defaults contradict each other');
  return result.value.config;
}

/** Whom nobody wrote. This very list says so to those who have accounts: proof may be wanted later. */
function trustUnless(hasSecrets: boolean): readonly string[] {
  return hasSecrets ? [] : LOOPBACK_NETWORKS;
}

function findContradictions(config: Config): Contradiction[] {
  const { devices, invocations } = config;
  const { socket } = config.gateways;
  return [
    ...findExceeded(
      ['invocations.defaultTimeoutMs', invocations.defaultTimeoutMs],
      ['invocations.maxTimeoutMs', invocations.maxTimeoutMs],
    ),
    ...findExceeded(
      ['devices.maxQueuedPerCaller', devices.maxQueuedPerCaller],
      ['devices.maxQueuedInvocations', devices.maxQueuedInvocations],
    ),
    ...findExceeded(
      ['devices.maxQueuedBytesPerCaller', devices.maxQueuedBytesPerCaller],
      ['devices.maxQueuedBytes', devices.maxQueuedBytes],
    ),
    ...findSharedPorts(config),
    ...findMissingFiles('http.tls', config.http.tls),
    ...(socket.enabled ? findMissingFiles('gateways.socket.tls', socket.tls) : []),
    ...findMissingTlsParts(config.mqtt),
    ...findMissingProxies(config.http),
    ...findUnprovenAgents(config),
    ...findSharedHostNames(config),
  ];
}

function findExceeded(
  [small, smallValue]: readonly [string, number],
  [large, largeValue]: readonly [string, number],
): Contradiction[] {
  if (smallValue <= largeValue) return [];
  const message = `${small} is ${smallValue}, more than ${large}, which is ${largeValue}; lower the one or raise the other`;
  return [{ paths: [small, large], message }];
}

function findSharedPorts(config: Config): Contradiction[] {
  const ports = configuredPorts(config).filter(({ kind }) => kind === 'TCP');
  return ports.flatMap((later, index) =>
    ports
      .slice(0, index)
      .filter(({ host, port }) => host === later.host && port === later.port)
      .map(({ key, port }) => {
        const message = `${key} and ${later.key} are both ${port}; each needs its own`;
        return { paths: [later.key, key], message };
      }),
  );
}

function findMissingTlsParts({ enabled, tls }: Config['mqtt']): Contradiction[] {
  if (!enabled || !tls.enabled) return [];
  const missing = findMissingFiles('mqtt.tls', tls);
  const mustBeSet = (path: string, because: string, why: string): void => {
    missing.push({ paths: [path, because], message: `${path} must be set, because ${why}` });
  };
  const { clientCertificates, certificateNames } = tls;
  if (clientCertificates !== 'no' && tls.caFile === '') {
    const why = `mqtt.tls.clientCertificates is ${clientCertificates}`;
    mustBeSet('mqtt.tls.caFile', 'mqtt.tls.clientCertificates', why);
  }
  if (clientCertificates === 'no' && certificateNames) {
    const why = 'mqtt.tls.certificateNames is true';
    mustBeSet('mqtt.tls.clientCertificates', 'mqtt.tls.certificateNames', why);
  }
  return missing;
}

/** A user name that nobody proves is no right to anything. */
function findUnprovenAgents({ services, mqtt }: Config): Contradiction[] {
  const isNeeded =
    services.enabled && mqtt.enabled && mqtt.external === '' && Object.keys(services.agents).length > 0;
  if (!isNeeded || mqtt.passwordFile !== '' || mqtt.tls.certificateNames) return [];
  const message =
    'services.agents names users, and nothing proves who they are: set mqtt.passwordFile or mqtt.tls.certificateNames';
  return [{ paths: ['services.agents', 'mqtt.passwordFile'], message }];
}

/** A name leads to one of them. */
function findSharedHostNames({ http, services }: Config): Contradiction[] {
  const own = new Set(http.hostNames.map((name) => name.toLowerCase()));
  return Object.keys(services.hosts)
    .filter((name) => own.has(name.toLowerCase()))
    .map((name) => {
      const message = `services.hosts and http.hostNames both have ${name}; it is the name of the service, or of the hub`;
      return { paths: ['services.hosts', 'http.hostNames'], message };
    });
}

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findFreePorts, startHubProcess, type HubPorts } from '../../test/helpers/hub-process.ts';
import { SERVER_CORE } from '../load-tools.ts';
import { makeFolder, type BrokerNeeds, type BrokerServer } from './broker-server.ts';
import { buildRecado } from './built-recado.ts';
import { writeIdentity } from './identity.ts';

const ACL_RULES = 100;

/** A packaged hub as `recado hub` starts it, with its own defaults; `ports` are those of HTTP and of its devices. */
export type RecadoServer = BrokerServer & { readonly ports: HubPorts };

/**
 * Starts the hub as it is published: whoever uses it runs that, and not the sources or its broker alone.
 *
 * @param options.withAcl - an ACL file of 100 rules, of which the last lets the load through
 * @param options.inMemory - without a data folder
 * @param options.nodeFlags - words for Node before the program
 */
export async function startRecado({
  withTls,
  withAcl,
  inMemory = false,
  nodeFlags = [],
}: BrokerNeeds & {
  readonly withAcl?: boolean;
  readonly inMemory?: boolean;
  readonly nodeFlags?: readonly string[];
} = {}): Promise<RecadoServer> {
  const recado = await buildRecado();
  const ports = await findFreePorts();
  const { tcp: port, http: tlsPort } = await findFreePorts();
  const { folder, remove } = await makeFolder('hub');
  const identity = withTls === true ? await writeIdentity() : undefined;
  const aclFile = path.join(folder, 'acl');
  if (withAcl === true) await writeFile(aclFile, `${aclRules().join('\n')}\n`);
  const [node = '', ...words] = recado('hub');
  const hub = await startHubProcess(ports, {
    launcher: SERVER_CORE,
    words: [node, ...nodeFlags, ...words],
    settings: {
      RECADO_MQTT_PORT: String(port),
      RECADO_IN_MEMORY: String(inMemory),
      ...(withAcl === true ? { RECADO_MQTT_ACL_FILE: aclFile } : {}),
      ...(identity === undefined
        ? {}
        : {
            RECADO_MQTT_TLS_ENABLED: 'true',
            RECADO_MQTT_TLS_PORT: String(tlsPort),
            RECADO_MQTT_TLS_CERT_FILE: identity.certFile,
            RECADO_MQTT_TLS_KEY_FILE: identity.keyFile,
          }),
    },
  });
  return {
    program: hub.program,
    port,
    tlsPort,
    webSocket: { port: ports.http, path: '/mqtt' },
    ports,
    stop: async () => {
      await hub.stop();
      await identity?.remove();
      await remove();
    },
  };
}

/** Rules for all clients, some with wildcards; the one that lets the load through is the last to be read. */
function aclRules(): string[] {
  const others = Array.from({ length: ACL_RULES - 1 }, (_, index) => {
    const filters = [
      `site/${index}/+/state`,
      `site/${index}/#`,
      `load/${index}/deeper`,
      `+/site-${index}/values`,
    ];
    return `topic ${index % 3 === 0 ? 'read' : 'readwrite'} ${filters[index % filters.length]}`;
  });
  return [...others, 'topic readwrite load/#'];
}

import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import { KeptKind } from '../../base/kept-kinds.ts';
import { version } from '../../base/version.ts';
import type { Config } from '../../hub/config/config-schema.ts';
import { findConfigWarnings } from '../../hub/config/config-warnings.ts';
import { findOpenListeners } from '../../hub/config/open-listeners.ts';
import { findClosedDoors } from '../../hub/config/risky-defaults.ts';
import type { Hub } from '../../hub/hub.ts';
import { HubStateSchema, type HubStateResource } from '../hub-schemas.ts';
import { readResidentBytes } from '../resident-bytes.ts';
import { showTime } from '../resources.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';

const ENCRYPTED: ReadonlySet<string> = new Set(['https', 'mqtts', 'tls', 'wss']);

const StateRouteSchema = {
  operationId: 'getHubState',
  summary: 'Tells how it stands with the hub: its listeners, stores, limits and load',
  tags: ['hub'],
  response: { 200: HubStateSchema, ...PROBLEM_RESPONSE },
};

/** What people look at who look after the hub. */
export const hubStateRoutes: FastifyPluginAsyncTypebox<{ hub: Hub; config: Config }> = async (
  app,
  { hub, config },
) => {
  app.get('/hub', { schema: StateRouteSchema }, async ({ principal }) => {
    const isManager = may(principal, 'manage');
    const disk = await readDisk(hub);
    const warnings = findWarnings(config, hub.accounts.isOn);
    return showState(hub, { disk, warnings, isManager });
  });
};

type Seen = {
  readonly disk: HubStateResource['disk'];
  readonly warnings: string[];
  readonly isManager: boolean;
};

function showState(hub: Hub, { disk, warnings, isManager }: Seen): HubStateResource {
  const { ledger, externalBroker } = hub;
  const forManagers = <T>(value: T): T | null => (isManager ? value : null);
  const kept = ledger.totals();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    version,
    nodeVersion: process.versions.node,
    started: showTime(performance.timeOrigin),
    listeners: hub.listening.map(({ name, address }) => ({
      name,
      address: forManagers(address),
      isEncrypted: ENCRYPTED.has(address.split(':', 1)[0]!),
    })),
    connections: {
      http: kept[KeptKind.HTTP_CONNECTION]!.count,
      mqtt: hub.broker?.counts.connections ?? 0,
      devices: hub.gateways.find(({ name }) => name === 'socket')?.counters['connectionsOpen'] ?? 0,
    },
    stores: (hub.stores?.health ?? []).map((store) => ({ ...store })),
    disk: disk && { ...disk, folder: forManagers(disk.folder) },
    externalBroker: externalBroker
      ? { ...externalBroker, address: forManagers(externalBroker.address) }
      : null,
    residentBytes: readResidentBytes() ?? null,
    keptBytes: ledger.totalBytes,
    kept,
    eventLoop: { activeMs: active, idleMs: idle },
    warnings: forManagers(warnings),
  };
}

/** Where accounts say who may come in, doors are neither open nor closed to all. */
function findWarnings(config: Config, hasAccounts: boolean): string[] {
  const open = config.insecure ? findOpenListeners(config) : [];
  const closed = new Set(hasAccounts ? findClosedDoors(config) : []);
  return [
    ...open.map(({ path, message }) => `${path} ${message}`),
    ...findConfigWarnings(config).filter((warning) => !closed.has(warning)),
  ];
}

async function readDisk({ stores }: Hub): Promise<HubStateResource['disk']> {
  if (stores === undefined) return null;
  const { path: folder } = stores.folder;
  const [storedBytes, freeBytes] = await Promise.all([
    measureFiles(folder).catch(() => null),
    statfs(folder).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => null,
    ),
  ]);
  return { folder, storedBytes, freeBytes };
}

async function measureFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  // One may go while the others are looked at.
  const sizes = await Promise.all(
    files.map(({ name }) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

import {
  CONNECTION_BYTES,
  HTTP_CONNECTION_BYTES,
  KeptKind,
  NEWCOMER_BYTES,
  TLS_HANDSHAKE_BYTES,
} from '../base/kept-kinds.ts';
import { Ledger } from '../base/ledger.ts';
import { shareOpenFiles } from '../base/open-files.ts';
import type { Config } from './config/config-schema.ts';

/** The ledger of a hub: the whole, and the limits of kinds for which the configuration or the system has a number. */
export function createLedger({ memory, mqtt, http, gateways }: Config): Ledger {
  const hasTls = mqtt.tls.enabled || http.tls.enabled || gateways.socket.tls.enabled;
  const files = shareOpenFiles();
  return new Ledger({
    maxBytes: memory.maxKeptBytes,
    newcomerBytes: NEWCOMER_BYTES + (hasTls ? TLS_HANDSHAKE_BYTES : 0),
    limits: {
      [KeptKind.CONNECTION]: Math.min(memory.maxKeptBytes, files.others * CONNECTION_BYTES),
      [KeptKind.HTTP_CONNECTION]: Math.min(http.maxConnections, files.http) * HTTP_CONNECTION_BYTES,
      [KeptKind.QUEUED]: mqtt.maxTotalQueuedBytes,
      [KeptKind.RETAINED]: mqtt.maxRetainedBytes,
    },
  });
}

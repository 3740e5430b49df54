import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { nullable, Time } from './schemas.ts';

/* How it stands with the hub itself, on the wire. */

const Count = Type.Integer({ minimum: 0 });
const Bytes = Type.Number({ minimum: 0 });
const FOR_MANAGERS = 'null for who may not manage the hub';

const ListenerSchema = Type.Object({
  name: Type.String({ description: 'What speaks there: `http`, `mqtt`, `mqtt-tls`, `socket-tcp`' }),
  address: nullable(Type.String({ description: FOR_MANAGERS })),
  isEncrypted: Type.Boolean({ description: 'It speaks TLS' }),
});

const StoreSchema = Type.Object({
  name: Type.String(),
  state: Type.String({ description: '`ready`, or why nothing can be stored' }),
  advice: Type.String({ description: 'What to do; empty where there is nothing to do' }),
});

const DiskSchema = Type.Object(
  {
    folder: nullable(Type.String({ description: FOR_MANAGERS })),
    storedBytes: nullable(
      Type.Number({ description: 'Of the files of the hub; null where they cannot be seen' }),
    ),
    freeBytes: nullable(
      Type.Number({ description: 'Room that the hub may use; null where it cannot be seen' }),
    ),
  },
  { description: 'The data folder' },
);

const KeptSchema = Type.Object({
  kind: Type.String({ description: 'As in docs/limits.md' }),
  count: Count,
  bytes: Bytes,
  limitBytes: Bytes,
  refusals: Type.Integer({ minimum: 0, description: 'Since the start, for want of room' }),
});

export const HubStateSchema = Type.Object(
  {
    version: Type.String(),
    nodeVersion: Type.String(),
    started: Time,
    listeners: Type.Array(ListenerSchema),
    connections: Type.Object(
      { http: Count, mqtt: Count, devices: Count },
      { description: 'That are open now, of all listeners that speak so; `devices`: over TCP' },
    ),
    stores: Type.Array(StoreSchema, { description: 'None where all is kept in memory' }),
    disk: nullable(DiskSchema),
    externalBroker: nullable(
      Type.Object(
        { address: nullable(Type.String({ description: FOR_MANAGERS })), isConnected: Type.Boolean() },
        { description: 'That of `mqtt.external`; null where there is none' },
      ),
    ),
    residentBytes: nullable(Bytes),
    keptBytes: Type.Number({ minimum: 0, description: 'For peers, of all kinds' }),
    kept: Type.Array(KeptSchema, { description: 'What peers make the hub keep, by kind' }),
    eventLoop: Type.Object(
      { activeMs: Type.Number(), idleMs: Type.Number() },
      { description: 'Sums since the start: what lies between two answers is the load of that time' },
    ),
    warnings: nullable(
      Type.Array(Type.String(), {
        description: `What to look at in the configuration, as \`recado check\` says it; ${FOR_MANAGERS}`,
      }),
    ),
  },
  { title: 'HubState' },
);
export type HubStateResource = Static<typeof HubStateSchema>;

import { Type } from 'typebox';
import { bytes, host, networks, port, TOKEN } from './leaf.ts';

export const http = Type.Object(
  {
    host: host('Address that the HTTP server listens on.'),
    port: port({ default: 5070, description: 'Port of the HTTP server; 0 takes any free port.' }),
    tokens: Type.Array(Type.String(TOKEN), {
      maxItems: 1000,
      default: [],
      secret: true,
      description: 'Tokens that callers may present as `Authorization: Bearer …`.',
    }),
    hostNames: Type.Array(Type.String({ format: 'host', maxLength: 253 }), {
      maxItems: 1000,
      default: [],
      description:
        'Public host names under which callers without a token may reach the hub; local names always may.',
    }),
    trustedNetworks: networks('Callers from these networks or addresses need no token.'),
    maxBodyBytes: bytes({ default: 1_048_576, description: 'Largest request body.' }),
  },
  { additionalProperties: false, description: 'The HTTP server: API and old routes.' },
);

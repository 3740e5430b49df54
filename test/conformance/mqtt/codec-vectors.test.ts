import { describe } from 'node:test';
import { testVectors } from '../../helpers/mqtt-vectors.ts';
import { ACKNOWLEDGEMENT } from '../../vectors/acknowledgement.ts';
import { AUTH } from '../../vectors/auth.ts';
import { CONNACK } from '../../vectors/connack.ts';
import { CONNECT } from '../../vectors/connect.ts';
import { DATA_REPRESENTATION } from '../../vectors/data-representation.ts';
import { DISCONNECT } from '../../vectors/disconnect.ts';
import { PING } from '../../vectors/ping.ts';
import { PUBLISH } from '../../vectors/publish.ts';
import { SUBSCRIBE } from '../../vectors/subscribe.ts';
import { UNSUBSCRIBE } from '../../vectors/unsubscribe.ts';

const CHAPTERS = {
  '1.5 Data representation and 2 Control Packet format': DATA_REPRESENTATION,
  '3.1 CONNECT': CONNECT,
  '3.2 CONNACK': CONNACK,
  '3.3 PUBLISH': PUBLISH,
  '3.4 PUBACK, 3.5 PUBREC, 3.6 PUBREL and 3.7 PUBCOMP': ACKNOWLEDGEMENT,
  '3.8 SUBSCRIBE and 3.9 SUBACK': SUBSCRIBE,
  '3.10 UNSUBSCRIBE and 3.11 UNSUBACK': UNSUBSCRIBE,
  '3.12 PINGREQ and 3.13 PINGRESP': PING,
  '3.14 DISCONNECT': DISCONNECT,
  '3.15 AUTH': AUTH,
};

for (const [chapter, vectors] of Object.entries(CHAPTERS))
  describe(`${chapter}, as bytes`, () => testVectors(vectors));

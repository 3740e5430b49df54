import { describe } from 'node:test';
import { PING } from '../../../src/mqtt/codec/vectors/ping.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.12 PINGREQ and 3.13 PINGRESP, as bytes', () => testVectors(PING));

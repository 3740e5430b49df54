import { describe } from 'node:test';
import { DATA_REPRESENTATION } from '../../../src/mqtt/codec/vectors/data-representation.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('1.5 Data representation and 2 Control Packet format, as bytes', () =>
  testVectors(DATA_REPRESENTATION));

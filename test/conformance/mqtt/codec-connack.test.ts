import { describe } from 'node:test';
import { CONNACK } from '../../../src/mqtt/codec/vectors/connack.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.2 CONNACK, as bytes', () => testVectors(CONNACK));

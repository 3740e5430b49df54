import { describe } from 'node:test';
import { DISCONNECT } from '../../../src/mqtt/codec/vectors/disconnect.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.14 DISCONNECT, as bytes', () => testVectors(DISCONNECT));

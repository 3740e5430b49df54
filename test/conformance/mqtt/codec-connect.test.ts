import { describe } from 'node:test';
import { CONNECT } from '../../../src/mqtt/codec/vectors/connect.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.1 CONNECT, as bytes', () => testVectors(CONNECT));

import { describe } from 'node:test';
import { UNSUBSCRIBE } from '../../../src/mqtt/codec/vectors/unsubscribe.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.10 UNSUBSCRIBE and 3.11 UNSUBACK, as bytes', () => testVectors(UNSUBSCRIBE));

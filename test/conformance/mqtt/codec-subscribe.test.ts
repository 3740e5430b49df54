import { describe } from 'node:test';
import { SUBSCRIBE } from '../../../src/mqtt/codec/vectors/subscribe.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.8 SUBSCRIBE and 3.9 SUBACK, as bytes', () => testVectors(SUBSCRIBE));

import { describe } from 'node:test';
import { PUBLISH } from '../../../src/mqtt/codec/vectors/publish.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.3 PUBLISH, as bytes', () => testVectors(PUBLISH));

import { describe } from 'node:test';
import { ACKNOWLEDGEMENT } from '../../../src/mqtt/codec/vectors/acknowledgement.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.4 PUBACK, 3.5 PUBREC, 3.6 PUBREL and 3.7 PUBCOMP, as bytes', () => testVectors(ACKNOWLEDGEMENT));

import { describe } from 'node:test';
import { AUTH } from '../../../src/mqtt/codec/vectors/auth.ts';
import { testVectors } from '../../helpers/mqtt-vectors.ts';

describe('3.15 AUTH, as bytes', () => testVectors(AUTH));

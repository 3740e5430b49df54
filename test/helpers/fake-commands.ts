import type { FakeCommand } from './fake-hub.ts';

const CLIMATE = {
  type: 'object',
  required: ['target'],
  properties: {
    target: { type: 'number', title: 'Target', minimum: 5, maximum: 35 },
    mode: { enum: ['heat', 'cool'], title: 'Mode' },
    vent: { type: 'boolean', title: 'Ventilation' },
  },
};

/** A sensor as version 1 of the socket protocol describes it. */
export const SENSOR: readonly FakeCommand[] = [
  { name: 'ligar', title: 'Ligar', run: () => ({ output: 'Dispositivo ligado' }) },
  {
    name: 'medida',
    title: 'Retornar medida',
    kind: 'read',
    run: () => ({ output: { Temperatura: '25°C' } }),
  },
  { name: 'describe', title: 'Descrição geral', kind: 'read', run: () => ({ output: { Status: 'Ligado' } }) },
];

/** A device with one command for each way that a command can end. */
export const GREENHOUSE: readonly FakeCommand[] = [
  {
    name: 'setClimate',
    title: 'Set climate',
    kind: 'write',
    input: CLIMATE,
    run: (input) => ({ output: { held: input } }),
  },
  {
    name: 'jam',
    title: 'Jam',
    run: () => ({
      failure: {
        code: 'DEVICE_ERROR',
        status: 409,
        detail: 'greenhouse says no',
        phase: 'answered',
        safeToRetry: false,
        device: { code: 'JAMMED', message: 'The window is stuck', status: 409, payload: { angle: 12 } },
      },
    }),
  },
  {
    name: 'lose',
    title: 'Lose',
    run: () => ({
      failure: {
        code: 'ANSWER_TIMEOUT',
        status: 504,
        detail: 'nothing within 5000 ms',
        phase: 'sent',
        safeToRetry: false,
      },
    }),
  },
  {
    name: 'refuse',
    title: 'Refuse',
    input: { type: 'object', properties: { volume: { type: 'integer', title: 'Volume' } } },
    run: () => ({
      failure: {
        code: 'INPUT_INVALID',
        status: 422,
        detail: 'does not fit',
        errors: [{ pointer: '/volume', message: 'must be <= 10', keyword: 'maximum', limit: 10 }],
        safeToRetry: true,
      },
    }),
  },
  {
    name: 'crowd',
    title: 'Crowd',
    run: () => ({
      failure: {
        code: 'TOO_MANY_INVOCATIONS',
        status: 429,
        detail: 'full',
        safeToRetry: true,
        retryAfter: '2',
      },
    }),
  },
  { name: 'hang', title: 'Hang', run: () => 'silent' },
  {
    name: 'log',
    title: 'Log',
    kind: 'read',
    run: () => ({ output: Array.from({ length: 60 }, (_, index) => `entry ${index + 1}`) }),
  },
];

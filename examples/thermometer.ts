// A thermometer with a target, in fifteen lines. Start a hub first (npm start), then: npm run example:thermometer
import { createDevice } from 'recado/device';

let target = 21;

const thermometer = createDevice({
  id: 'thermometer-1',
  title: 'Thermometer on the shelf',
  telemetry: { temperature: { unit: '°C', type: 'number' }, target: { unit: '°C', type: 'number' } },
  commands: {
    setTarget: {
      title: 'Set the target',
      kind: 'write',
      input: { type: 'number', minimum: 5, maximum: 30 },
      run: ({ input }) => ({ before: target, now: (target = input) }),
    },
  },
  onState: (state) => process.stdout.write(`${state.status}: ${state.message}\n`),
});

await thermometer.start();
setInterval(() => thermometer.report({ temperature: target + Math.random() - 0.5, target }), 1000);

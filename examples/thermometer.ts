// A thermometer whose target others can set. The hub is at 127.0.0.1:5050, or where the argument says.
import { createDevice } from 'recado/device';

let target = 21;
const celsius = { type: 'number', minimum: 5, maximum: 30 } as const;

const thermometer = createDevice({
  id: 'thermometer-1',
  title: 'Thermometer on the shelf',
  telemetry: { temperature: { unit: '°C', type: 'number' }, target: { unit: '°C', type: 'number' } },
  commands: {
    setTarget: {
      title: 'Set the target',
      kind: 'write',
      input: celsius,
      run: ({ input }) => ({ before: target, now: (target = input) }),
    },
  },
  hub: process.argv[2] ?? '127.0.0.1:5050',
  onState: (state) => process.stdout.write(`${state.status}: ${state.message}\n`),
});

await thermometer.start();
setInterval(() => thermometer.report({ temperature: target + Math.random() - 0.5, target }), 1000);

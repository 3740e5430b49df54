// A thermometer whose target others can set. Start a hub (npm start), then, in another terminal of the checkout:
//   npm run example:thermometer
// and invoke it: curl -X POST http://127.0.0.1:5070/api/v1/devices/thermometer-1/commands/setTarget \
//   -H 'content-type: application/json' -d '{"input": 19}'
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

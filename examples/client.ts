// Lists the devices that are online, sets the target of a thermometer and reads it.
// The hub is at http://127.0.0.1:5070, or where the first argument says; the second may name the thermometer.
import { createClient, ProblemError } from 'recado/client';

const [url = 'http://127.0.0.1:5070', thermometer = 'thermometer-1'] = process.argv.slice(2);
const { devices } = createClient({ url, token: process.env['RECADO_TOKEN'] });
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

try {
  for await (const { deviceId, title } of devices.all({ status: 'online' })) say(`${deviceId}: ${title}`);
  const { output } = await devices.invoke(thermometer, 'setTarget', { input: 19 });
  say(`setTarget answered ${JSON.stringify(output)}`);
  const { readings } = await devices.telemetry(thermometer);
  for (const { metric, value, unit } of readings) say(`${metric} is ${String(value)} ${unit ?? ''}`);
  await devices.invoke(thermometer, 'setTarget', { input: 99 });
} catch (error) {
  say(error instanceof ProblemError ? `${error.code}: ${error.detail}` : (error as Error).message);
}

// Client A: prints what comes on my/topic, until Ctrl+C. Setting: RECADO_BROKER.
import { connectBus } from 'recado/bus';
import './say-why.ts';

const bus = await connectBus(process.env['RECADO_BROKER'] ?? 'mqtt://localhost:1883');
await bus.subscribe('my/topic', {}, ({ topicName, payload }) =>
  process.stdout.write(`${topicName}: ${Buffer.from(payload).toString()}\n`),
);
process.stdout.write('Client A waits for messages on my/topic\n');

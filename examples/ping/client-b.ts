// Client B: publishes one message to my/topic. Setting: RECADO_BROKER.
import { connectBus } from 'recado/bus';
import './say-why.ts';

const bus = await connectBus(process.env['RECADO_BROKER'] ?? 'mqtt://localhost:1883');
await bus.publish({
  topicName: 'my/topic',
  payload: Buffer.from('Hello from client B! Hello Again'),
  qos: 1,
});
await bus.close();

import { connectBus } from '../../src/bus/client-bus.ts';
import { createResponder } from '../../src/rpc/index.ts';

/** A responder of the group `g` on `ask`, whose handler never ends: it says that it has begun. */
const [url = '', acknowledges] = process.argv.slice(2);
const responder = createResponder(await connectBus(url));
await responder.serve(
  'ask',
  () => {
    process.stdout.write('begun\n');
    return new Promise(() => {});
  },
  { group: 'g', acknowledges: acknowledges === 'answered' ? 'answered' : 'received' },
);
process.stdout.write('ready\n');

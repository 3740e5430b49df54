import path from 'node:path';
import { ChildProgram } from '../../test/helpers/child-program.ts';
import { SERVER_CORE } from '../load-tools.ts';
import type { BrokerServer } from './broker-server.ts';

/** Starts Aedes, as `aedes-main.ts` sets it up. */
export async function startAedes(): Promise<BrokerServer> {
  const words = [...SERVER_CORE, process.execPath, path.join(import.meta.dirname, 'aedes-main.ts')];
  const program = new ChildProgram(words, { name: 'Aedes' });
  const line = await program.waitForLine(/^listening \d+$/).catch(async (error: unknown) => {
    await program.stop();
    throw error;
  });
  return { program, port: Number(line.slice('listening '.length)), stop: () => program.stop() };
}

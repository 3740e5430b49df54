import { TelemetryFiles } from '../../src/store/sqlite/telemetry/telemetry-files.ts';
import { FILES_LIMITS, pumpBatch } from '../helpers/telemetry-files-rig.ts';

/* Takes one reading at a time, and makes minutes of all that is old then, in the folder that it is given. */

const [folder = '', at = ''] = process.argv.slice(2);
const files = new TelemetryFiles({ ...FILES_LIMITS, folder, rawDays: 1 });
files.append(pumpBatch(Number(at), [[Number(at), 5]], 'flow'));
while (files.isDue) files.coarsen();
files.close();

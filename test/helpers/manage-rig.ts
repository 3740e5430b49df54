import { join } from 'node:path';
import { FakeHub } from './fake-hub.ts';
import { SENSOR } from './fake-commands.ts';
import { plainEnvironment } from './run-program.ts';
import { ROOT } from './source-files.ts';
import { TerminalProgram } from './terminal-program.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');

type Start = {
  readonly args?: readonly string[];
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** `recado manage` in pseudo-terminals, and a fake hub for it to look at. */
export class ManageRig {
  readonly hub = new FakeHub();
  readonly #programs: TerminalProgram[] = [];

  /** Starts the program in English, unless `env` says something else. */
  start({ args = [], columns = 80, rows = 24, env = {} }: Start): TerminalProgram {
    const program = new TerminalProgram([process.execPath, MAIN, 'manage', ...args], {
      columns,
      rows,
      cwd: ROOT,
      env: { ...plainEnvironment(), LC_ALL: 'en_US.UTF-8', ...env },
    });
    this.#programs.push(program);
    return program;
  }

  /** Starts the program and opens the page of the only device. */
  async openDevice(start: Start = {}): Promise<TerminalProgram> {
    const program = this.start({ ...start, args: [this.hub.url, ...(start.args ?? [])] });
    await program.waitFor('❯   1 ●');
    program.press('enter');
    await program.waitFor('General description');
    return program;
  }

  /** Connects a sensor, `DE1`, to the hub. */
  addSensor(): void {
    this.hub.add('DE1', {
      title: 'Sensor de temperatura',
      sinceMs: 300_000,
      readings: [{ metric: 'Temperatura', value: 25, unit: '°C' }],
      commands: SENSOR,
    });
  }

  /** Ends the programs and the hub. */
  async stop(): Promise<void> {
    for (const program of this.#programs.splice(0)) await program.stop();
    await this.hub.stop();
  }

  /** Ends the programs, and empties the hub: for `afterEach`. */
  async reset(): Promise<void> {
    await this.stop();
    this.hub.devices.clear();
    this.hub.invoked.length = 0;
    this.hub.requests.length = 0;
    this.hub.invocations.length = 0;
    this.hub.hasEvents = true;
    this.hub.token = undefined;
    await this.hub.start();
  }
}

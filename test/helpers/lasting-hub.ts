import type { TestContext } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callHub, type Answer } from './start-test-hub.ts';
import { findFreePorts, startHubProcess, type HubPorts, type HubProcess } from './hub-process.ts';

/** Hubs that follow one another over one data folder, on the same ports. */
export class LastingHub {
  readonly folder: string;
  readonly mqttPort: number;
  readonly #ports: HubPorts;
  readonly #settings: Readonly<Record<string, string>>;
  #hub: HubProcess | undefined;

  private constructor(
    ports: HubPorts,
    mqttPort: number,
    folder: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#ports = ports;
    this.mqttPort = mqttPort;
    this.folder = folder;
    this.#settings = settings;
  }

  /** The first one. @param folder - of its data; one of its own where there is none */
  static async start(
    t: TestContext,
    { folder, settings = {} }: { folder?: string; settings?: Readonly<Record<string, string>> } = {},
  ): Promise<LastingHub> {
    const [ports, { tcp: mqttPort }] = [await findFreePorts(), await findFreePorts()];
    const own = mkdtempSync(join(tmpdir(), 'recado-lasting-'));
    const hub = new LastingHub(ports, mqttPort, folder ?? join(own, 'data'), settings);
    t.after(async () => {
      await hub.#hub?.stop();
      rmSync(own, { recursive: true, force: true });
    });
    await hub.begin();
    return hub;
  }

  get program(): HubProcess['program'] {
    return this.#hub!.program;
  }

  get url(): string {
    return this.#hub!.url;
  }

  get tcpPort(): number {
    return this.#ports.tcp;
  }

  call(method: string, where: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return callHub(this.url + where, method, body, headers);
  }

  /** @param more - settings of this one only */
  async begin(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = {
      RECADO_DATA_DIR: this.folder,
      RECADO_MQTT_PORT: String(this.mqttPort),
      ...this.#settings,
      ...more,
    };
    this.#hub = await startHubProcess(this.#ports, { settings });
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.program.signal(signal);
    await this.program.exit();
    await this.#hub!.stop();
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.end(signal);
    await this.begin();
  }
}

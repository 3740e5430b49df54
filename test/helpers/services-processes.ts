import { fileURLToPath } from 'node:url';
import { ChildProgram } from './child-program.ts';
import { findFreePorts, startHubProcess, type HubProcess } from './hub-process.ts';
import { until } from './until.ts';

const TARGET = fileURLToPath(new URL('services-target.ts', import.meta.url));

/** A hub, agents of one service and what stands behind them, each a process. */
export type ServiceProcesses = {
  readonly hub: HubProcess;
  readonly targetUrl: string;
  /** `http://hub/services/bench` */
  readonly url: string;
  startAgent(id: string): ChildProgram;
  /** Waits until so many agents can be asked. */
  waitForAgents(count: number): Promise<void>;
  stop(): Promise<void>;
};

export type ServiceProcessesOptions = {
  /** The words that run `recado`. */
  readonly recado: (...args: readonly string[]) => string[];
  /** Address of another broker than the hub's own. */
  readonly broker?: string | undefined;
  /** What stands behind the agents; else a program of its own. */
  readonly targetUrl?: string;
};

export async function openServiceProcesses({
  recado,
  broker,
  ...options
}: ServiceProcessesOptions): Promise<ServiceProcesses> {
  const target =
    options.targetUrl === undefined
      ? new ChildProgram([process.execPath, TARGET], { name: 'the target' })
      : undefined;
  const port = (await target?.waitForLine(/^port \d+$/))?.slice(5);
  const targetUrl = options.targetUrl ?? `http://127.0.0.1:${port}`;
  const mqttPort = (await findFreePorts()).tcp;
  const settings = {
    RECADO_MQTT_PORT: String(mqttPort),
    ...(broker !== undefined && { RECADO_MQTT_EXTERNAL: broker }),
  };
  const ports = await findFreePorts();
  const hub = await startHubProcess(ports, { settings, words: recado('hub') }).catch(
    async (error: unknown) => {
      await target?.stop();
      throw error;
    },
  );
  const agents: ChildProgram[] = [];
  const brokerUrl = broker ?? `mqtt://127.0.0.1:${mqttPort}`;
  return {
    hub,
    targetUrl,
    url: `${hub.url}/services/bench`,
    startAgent(id) {
      const words = recado('agent', '--service', `bench=${targetUrl}`, '--broker', brokerUrl, '--id', id);
      const agent = new ChildProgram(words, { name: `agent ${id}` });
      agents.push(agent);
      return agent;
    },
    async waitForAgents(count) {
      const hasAgents = async (): Promise<boolean> => (await countAgents(hub.url)) >= count;
      await until(`${count} agents`, hasAgents, 30_000).catch((error: unknown) => {
        const words = agents.map(({ name, errorText }) => `${name}: ${errorText}`).join('\n');
        throw new Error(`the agents did not come:\n${words}`, { cause: error });
      });
    },
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await hub.stop();
      await target?.stop();
    },
  };
}

async function countAgents(hubUrl: string): Promise<number> {
  const answer = await fetch(`${hubUrl}/api/v1/services`);
  type Listed = { services: { agents: { isHealthy: boolean; isLeaving: boolean }[] }[] };
  const { services } = (await answer.json()) as Listed;
  return services.flatMap(({ agents }) => agents).filter((agent) => agent.isHealthy && !agent.isLeaving)
    .length;
}

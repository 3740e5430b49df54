import { useEffect } from 'preact/hooks';
import type { Service, ServiceAgent } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { Empty, Notice } from '../parts/notice.tsx';
import { Numbers } from '../parts/numbers.tsx';
import { Said } from '../parts/said.tsx';
import { useAsked } from '../parts/use-asked.ts';
import { hub } from '../session.ts';
import { language } from '../settings.ts';
import { say } from '../words.ts';

/** Rates are of ten seconds; of services the hub tells no events. */
const ASK_MS = 5000;

/** What agents bring to the hub: whether it is there, who does it, and how much. */
export function ServicesPage() {
  const { value, fault } = useAsked((signal) => hub().services.list({ signal }), [], ASK_MS);
  useEffect(() => void (document.title = `${say('services.title')} · Recado`));
  const services = value.value;
  const told = fault.value;
  if (services === undefined)
    return <Empty text={told === undefined ? say('console.loading') : sayFailure(told)} />;
  if (services.length === 0)
    return (
      <Empty text={say('services.none')}>
        <p>{say('services.none.advice', { command: 'npx recado agent' })}</p>
      </Empty>
    );
  return (
    <div class="services">
      <h1>{say('services.title')}</h1>
      {told !== undefined && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {services.map((service) => (
        <ServiceView key={service.name} service={service} />
      ))}
    </div>
  );
}

function ServiceView({ service }: { service: Service }) {
  const { name, status, agents } = service;
  const count = (value: number): string => value.toLocaleString(language.value);
  const facts = [
    [say('services.rate'), `${count(service.requestsPerSecond)}/s`],
    [say('services.failing'), `${count(service.failuresPerSecond)}/s`],
    [say('services.inFlight'), count(service.inFlight)],
    [say('services.requests'), count(service.requests)],
    [say('services.failures'), count(service.failures)],
    [say('services.retries'), count(service.retries)],
    [say('services.cancelled'), count(service.cancelled)],
    [say('services.in'), `${count(service.requestBytes)} B`],
    [say('services.out'), `${count(service.responseBytes)} B`],
  ] as const;
  return (
    <section aria-label={name}>
      <h2>
        <Said text={name} />{' '}
        <span class={`mark ${status === 'available' ? 'on' : 'off'}`}>{say(`services.${status}`)}</span>
      </h2>
      <Numbers facts={facts} />
      {agents.length > 0 && <AgentTable agents={agents} />}
    </section>
  );
}

function AgentTable({ agents }: { agents: readonly ServiceAgent[] }) {
  return (
    <table class="grid">
      <thead>
        <tr>
          <th>{say('services.agent')}</th>
          <th>{say('device.state')}</th>
          <th class="number">{say('services.inFlight')}</th>
        </tr>
      </thead>
      <tbody>
        {agents.map((agent) => (
          <tr key={agent.agentId}>
            <td>
              <Said text={agent.agentId} />{' '}
              {agent.description !== null && (
                <small>
                  <Said text={agent.description} />
                </small>
              )}
            </td>
            <td class={agent.isHealthy ? 'good' : 'bad'}>{say(stateOf(agent))}</td>
            <td class="number">
              {agent.inFlight} / {agent.maxInFlight}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function stateOf({ isHealthy, isLeaving }: ServiceAgent) {
  if (isLeaving) return 'services.leaving';
  return isHealthy ? 'services.healthy' : 'services.target-down';
}

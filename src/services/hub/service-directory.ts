import { FairPlaces } from '../../base/fair-places.ts';
import type { Announcement } from '../wire/announcement.ts';
import type { FrameLink } from '../flow/frame-link.ts';
import { RateMeter } from './rate-meter.ts';

/** An agent as a hub sees it, for one connection of it: another epoch is another entry. */
export type AgentEntry = {
  readonly agentId: string;
  readonly epoch: number;
  readonly description: string | undefined;
  readonly creditBytes: number;
  readonly maxHeadBytes: number;
  isHealthy: boolean;
  isLeaving: boolean;
  maxInFlight: number;
  /** With the requests of this hub that it has. */
  readonly link: FrameLink;
  /** When it was chosen last, as a number that grows. */
  lastTurn: number;
};

/** A service, while it has agents and for as long after as there is room. */
export type ServiceEntry = {
  readonly name: string;
  readonly agents: Map<string, AgentEntry>;
  /** Agents that speak another version of the protocol, and which. */
  readonly misfits: Map<string, number>;
  /** Requests in this hub, those that have not begun included. */
  ticketCount: number;
  /** Of them, those that have begun. */
  readonly places: FairPlaces;
  readonly counters: ServiceCounters;
  readonly requests: RateMeter;
  readonly failures: RateMeter;
};

/** Since the hub met the service. */
export const NO_SERVICE_COUNTS = {
  requests: 0,
  /** Answered by the hub itself, because the service could not. */
  failures: 0,
  /** Sent again to another agent. */
  retries: 0,
  /** The caller left before the end. */
  cancelled: 0,
  requestBytes: 0,
  responseBytes: 0,
};

export type ServiceCounters = typeof NO_SERVICE_COUNTS;

/** What was not taken into the directory. */
export const NO_DIRECTORY_COUNTS = {
  refusedServices: 0,
  refusedAgents: 0,
};

export type DirectoryCounters = typeof NO_DIRECTORY_COUNTS;

type DirectoryOptions = {
  readonly maxServices: number;
  readonly maxAgentsPerService: number;
};

/** What an agent is reached by; given back when it is gone. */
type AgentLinks = {
  open(service: string, agentId: string): FrameLink;
  close(service: string, agentId: string, link: FrameLink): void;
};

/** What changed, for the log. */
export type DirectoryChange =
  | 'new'
  | 'again'
  | 'healthy'
  | 'unhealthy'
  | 'leaving'
  | 'gone'
  | 'refused'
  | 'misfit'
  | 'same';

/** The services of a hub and their agents, as they announce themselves. */
export class ServiceDirectory {
  readonly counters: DirectoryCounters = { ...NO_DIRECTORY_COUNTS };
  readonly #options: DirectoryOptions;
  readonly #services = new Map<string, ServiceEntry>();
  /** Of the services that were forgotten: what was counted for them stays counted. */
  readonly #past: ServiceCounters = { ...NO_SERVICE_COUNTS };
  readonly #links: AgentLinks;

  constructor(options: DirectoryOptions, links: AgentLinks) {
    this.#options = options;
    this.#links = links;
  }

  get services(): Iterable<ServiceEntry> {
    return this.#services.values();
  }

  /** Sums over all services that there have been. */
  get serviceCounters(): ServiceCounters {
    const sum = { ...this.#past };
    for (const { counters } of this.#services.values()) addCounts(sum, counters);
    return sum;
  }

  get(name: string): ServiceEntry | undefined {
    return this.#services.get(name);
  }

  /** An agent says that it is there, or how it is. */
  announce(name: string, agentId: string, announcement: Announcement): DirectoryChange {
    const service = this.#services.get(name) ?? this.#add(name);
    if (service === undefined) {
      this.counters.refusedServices++;
      return 'refused';
    }
    service.misfits.delete(agentId);
    const known = service.agents.get(agentId);
    if (known?.epoch === announcement.epoch) return update(known, announcement);
    if (known === undefined && service.agents.size >= this.#options.maxAgentsPerService) {
      this.counters.refusedAgents++;
      return 'refused';
    }
    // Before the new one, which goes by the same topic.
    if (known !== undefined) this.#links.close(name, agentId, known.link);
    service.agents.set(agentId, {
      agentId,
      epoch: announcement.epoch,
      description: announcement.description,
      creditBytes: announcement.creditBytes,
      isHealthy: announcement.isHealthy,
      isLeaving: announcement.isLeaving,
      maxInFlight: announcement.maxInFlight,
      maxHeadBytes: announcement.maxHeadBytes,
      link: this.#links.open(name, agentId),
      lastTurn: 0,
    });
    known?.link.lose();
    return known === undefined ? 'new' : 'again';
  }

  /** An agent speaks another version of the protocol: it is only remembered, so that callers can be told. */
  noteMisfit(name: string, agentId: string, version: number): DirectoryChange {
    const service = this.#services.get(name) ?? this.#add(name);
    if (service === undefined) return 'refused';
    if (service.misfits.get(agentId) === version) return 'same';
    this.remove(name, agentId);
    if (service.misfits.size >= this.#options.maxAgentsPerService) return 'refused';
    service.misfits.set(agentId, version);
    return 'misfit';
  }

  /** An agent is gone, and with it the requests that it had. */
  remove(name: string, agentId: string): DirectoryChange {
    const service = this.#services.get(name);
    service?.misfits.delete(agentId);
    const agent = service?.agents.get(agentId);
    if (service === undefined || agent === undefined) return 'same';
    service.agents.delete(agentId);
    this.#links.close(name, agentId, agent.link);
    agent.link.lose();
    return 'gone';
  }

  #add(name: string): ServiceEntry | undefined {
    if (this.#services.size >= this.#options.maxServices && !this.#forgetOne()) return undefined;
    const service: ServiceEntry = {
      name,
      agents: new Map(),
      misfits: new Map(),
      ticketCount: 0,
      places: new FairPlaces(),
      counters: { ...NO_SERVICE_COUNTS },
      requests: new RateMeter(),
      failures: new RateMeter(),
    };
    this.#services.set(name, service);
    return service;
  }

  /** The one that has been known longest among those without agents. */
  #forgetOne(): boolean {
    for (const service of this.#services.values()) {
      if (service.agents.size > 0 || service.ticketCount > 0) continue;
      addCounts(this.#past, service.counters);
      return this.#services.delete(service.name);
    }
    return false;
  }
}

function addCounts(sum: ServiceCounters, more: ServiceCounters): void {
  for (const key of Object.keys(more) as (keyof ServiceCounters)[]) sum[key] += more[key];
}

function update(agent: AgentEntry, { isHealthy, isLeaving, maxInFlight }: Announcement): DirectoryChange {
  const change =
    isLeaving && !agent.isLeaving
      ? 'leaving'
      : isHealthy === agent.isHealthy
        ? 'same'
        : isHealthy
          ? 'healthy'
          : 'unhealthy';
  agent.isHealthy = isHealthy;
  agent.isLeaving = isLeaving;
  agent.maxInFlight = maxInFlight;
  return change;
}

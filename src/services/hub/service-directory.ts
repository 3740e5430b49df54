import type { Announcement } from '../wire/announcement.ts';
import { LinkBudget } from '../flow/credit.ts';
import { RateMeter } from './rate-meter.ts';

/** A request on its way through an agent, as far as the directory cares. */
export type InFlight = { onAgentGone(): void };

/** An agent as a hub sees it, for one connection of it: another epoch is another entry. */
export type AgentEntry = {
  readonly agentId: string;
  readonly epoch: string;
  readonly description: string | undefined;
  readonly creditBytes: number;
  isHealthy: boolean;
  isLeaving: boolean;
  maxInFlight: number;
  /** Bytes on the way to it. */
  readonly link: LinkBudget;
  /** Requests of this hub that it has. */
  readonly inFlight: Set<InFlight>;
  /** When it was chosen last, as a number that grows. */
  lastTurn: number;
};

/** A service, while it has agents and for as long after as there is room. */
export type ServiceEntry = {
  readonly name: string;
  readonly agents: Map<string, AgentEntry>;
  /** Requests in this hub, those that wait for an agent's answer and those that are being answered. */
  inFlightCount: number;
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
  readonly maxLinkBytes: number;
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
  | 'same';

/** The services of a hub and their agents, as they announce themselves. */
export class ServiceDirectory {
  readonly counters: DirectoryCounters = { ...NO_DIRECTORY_COUNTS };
  readonly #options: DirectoryOptions;
  readonly #services = new Map<string, ServiceEntry>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  get services(): Iterable<ServiceEntry> {
    return this.#services.values();
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
    const known = service.agents.get(agentId);
    if (known?.epoch === announcement.epoch) return update(known, announcement);
    if (known === undefined && service.agents.size >= this.#options.maxAgentsPerService) {
      this.counters.refusedAgents++;
      return 'refused';
    }
    service.agents.set(agentId, {
      agentId,
      epoch: announcement.epoch,
      description: announcement.description,
      creditBytes: announcement.creditBytes,
      isHealthy: announcement.isHealthy,
      isLeaving: announcement.isLeaving,
      maxInFlight: announcement.maxInFlight,
      link: new LinkBudget(this.#options.maxLinkBytes),
      inFlight: new Set(),
      lastTurn: 0,
    });
    if (known === undefined) return 'new';
    tellGone(known);
    return 'again';
  }

  /** An agent is gone, and with it the requests that it had. */
  remove(name: string, agentId: string): DirectoryChange {
    const service = this.#services.get(name);
    const agent = service?.agents.get(agentId);
    if (service === undefined || agent === undefined) return 'same';
    service.agents.delete(agentId);
    tellGone(agent);
    return 'gone';
  }

  #add(name: string): ServiceEntry | undefined {
    if (this.#services.size >= this.#options.maxServices && !this.#forgetOne()) return undefined;
    const service: ServiceEntry = {
      name,
      agents: new Map(),
      inFlightCount: 0,
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
      if (service.agents.size === 0 && service.inFlightCount === 0)
        return this.#services.delete(service.name);
    }
    return false;
  }
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

function tellGone(agent: AgentEntry): void {
  for (const request of agent.inFlight) request.onAgentGone();
}

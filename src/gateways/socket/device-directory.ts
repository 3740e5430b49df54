import { Attribution } from './attribution.ts';
import { DeviceIds } from './device-ids.ts';
import type { FramedSession } from './framed-session.ts';
import { MAX_REMEMBERED_ADDRESSES } from './options.ts';
import type { PlainSession } from './plain-session.ts';

/** Who is connected: plain devices by address, framed ones by id. */
export class DeviceDirectory {
  readonly ids = new DeviceIds(MAX_REMEMBERED_ADDRESSES);
  readonly #plainByAddress = new Map<string, Attribution<PlainSession>>();
  readonly #plainById = new Map<string, PlainSession>();
  readonly #framedById = new Map<string, FramedSession>();

  addPlain(session: PlainSession): void {
    let group = this.#plainByAddress.get(session.address);
    if (group === undefined) {
      group = new Attribution();
      this.#plainByAddress.set(session.address, group);
    }
    group.join(session);
    this.#plainById.set(session.id, session);
  }

  removePlain(session: PlainSession): void {
    const group = this.#plainByAddress.get(session.address);
    group?.leave(session);
    if (group?.size === 0) this.#plainByAddress.delete(session.address);
    if (this.#plainById.get(session.id) === session) this.#plainById.delete(session.id);
  }

  /** The plain devices of an address; undefined when it has none. */
  plainAt(address: string): Attribution<PlainSession> | undefined {
    return this.#plainByAddress.get(address);
  }

  plain(deviceId: string): PlainSession | undefined {
    return this.#plainById.get(deviceId);
  }

  addFramed(session: FramedSession): void {
    this.#framedById.set(session.id, session);
  }

  removeFramed(session: FramedSession): void {
    if (this.#framedById.get(session.id) === session) this.#framedById.delete(session.id);
  }

  framed(deviceId: string): FramedSession | undefined {
    return this.#framedById.get(deviceId);
  }
}

import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import type { Command } from './command.ts';
import type { DeviceDescription, EventDescription } from './description.ts';

type Parsed = {
  readonly description: DeviceDescription;
  readonly commands: ReadonlyMap<string, Command>;
  readonly events: ReadonlyMap<string, EventDescription>;
};

const TWO_BYTES = /[^\0-\u00ff]/;

/**
 * A description as long as its device is in the list: its JSON text, booked to a party. As objects it would take many
 * times the bytes that the device sent, so they are made when somebody asks, and stay only until memory is wanted.
 */
export class KeptDescription {
  readonly text: string;
  readonly title: string | undefined;
  readonly model: string | undefined;
  readonly commandCount: number;
  readonly party: Party;
  readonly #cost: number;
  #parsed: WeakRef<Parsed> | undefined;

  /** @returns undefined when the hub keeps as many descriptions as it may */
  static keep(description: DeviceDescription, party: Party): KeptDescription | undefined {
    const kept = new KeptDescription(description, party);
    return party.admit(KeptKind.DESCRIPTION, kept.#cost) ? kept : undefined;
  }

  /** One that was kept before the hub was started, whether there is room for it or not. */
  static restore(text: string, party: Party): KeptDescription {
    const kept = new KeptDescription(JSON.parse(text) as DeviceDescription, party);
    party.charge(KeptKind.DESCRIPTION, kept.#cost);
    return kept;
  }

  private constructor(description: DeviceDescription, party: Party) {
    this.text = JSON.stringify(description);
    // Copies, so that they do not hold on to the line that they came in.
    const { title, model } = JSON.parse(
      JSON.stringify({ title: description.title, model: description.model }),
    ) as {
      title?: string;
      model?: string;
    };
    this.title = title;
    this.model = model;
    this.commandCount = description.commands.length;
    this.party = party;
    this.#cost = costOf(KeptKind.DESCRIPTION, this.text.length * (TWO_BYTES.test(this.text) ? 2 : 1));
  }

  get description(): DeviceDescription {
    return this.#read().description;
  }

  command(name: string): Command | undefined {
    return this.#read().commands.get(name);
  }

  event(name: string): EventDescription | undefined {
    return this.#read().events.get(name);
  }

  /** Another one takes its place, or its device is forgotten. */
  release(): void {
    this.party.release(KeptKind.DESCRIPTION, this.#cost);
  }

  #read(): Parsed {
    const known = this.#parsed?.deref();
    if (known !== undefined) return known;
    const description = JSON.parse(this.text) as DeviceDescription;
    const commands = new Map(description.commands.map((command) => [command.name, command]));
    const events = new Map((description.events ?? []).map((event) => [event.name, event]));
    const parsed = { description, commands, events };
    this.#parsed = new WeakRef(parsed);
    return parsed;
  }
}

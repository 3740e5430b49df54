import { ClientError, type Command, type Device, type DeviceDetails } from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { sayReason } from '../device-words.ts';
import { explainFailure } from '../failure-words.ts';
import { sayTimestamp } from '../time-words.ts';
import { valueLines } from '../value-lines.ts';
import { EMPTY_ROW, type Area, type Row } from '../../ui/rows.ts';
import { factRows, type Fact } from '../../ui/fact-rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { ScrolledRows } from '../../ui/scrolled-rows.ts';

type OwnWords =
  | { readonly kind: 'none' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'told'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/** The general description of a device: what the hub knows of it, and what it says of itself when asked. */
export class DescriptionScreen implements Screen {
  readonly isTyping = false;
  readonly asksHub = false;
  readonly topic = 'description';
  readonly #desk: Desk;
  readonly #describe: Command | undefined;
  readonly #rows: ScrolledRows;
  #device: Device | DeviceDetails;
  #ownWords: OwnWords = { kind: 'none' };
  #abort: AbortController | undefined;

  constructor(desk: Desk, options: { device: Device; describe: Command | undefined }) {
    this.#desk = desk;
    this.#device = options.device;
    this.#describe = options.describe;
    this.#rows = new ScrolledRows(desk.say);
    void this.#ask();
  }

  get title(): string {
    return this.#desk.say('description.title');
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    return [
      { keys: 'r', label: say('keys.refresh') },
      { keys: '↑↓', label: say('keys.scroll') },
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onClosed(): void {
    this.#abort?.abort();
  }

  onKey(key: Key): boolean {
    if (key.name === 'text' && key.text === 'r') {
      void this.#ask();
      return true;
    }
    return this.#rows.take(key);
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#desk;
    const own = this.#drawOwnWords(area);
    const heading: Row[] =
      own.length === 0 ? [] : [EMPTY_ROW, [{ text: say('description.own'), tone: 'strong' }]];
    return this.#rows.draw([...factRows(this.#facts(), area), ...heading, ...own], area);
  }

  #facts(): Fact[] {
    const { say, clock } = this.#desk;
    const device = this.#device;
    const { presence } = device;
    const now = clock.now();
    const reports = 'telemetry' in device ? device.telemetry : [];
    const facts: Fact[] = [
      { label: say('description.id'), text: device.deviceId },
      { label: say('description.name'), text: device.title ?? '' },
      { label: say('description.model'), text: device.model ?? '' },
      { label: say('description.gateway'), text: device.gateway },
      {
        label: say('description.presence'),
        text: say(`presence.${presence.status}`),
        tone: presence.status === 'online' ? 'good' : 'plain',
      },
      { label: say('description.reason'), text: sayReason(say, presence.reason) },
      { label: say('description.since'), text: sayTimestamp(presence.since, now) },
      { label: say('description.lastSeen'), text: sayTimestamp(presence.lastSeen, now) },
      { label: say('description.commands'), text: String(device.commandCount) },
      {
        label: say('description.reports'),
        text: reports
          .map(({ title, metric, unit }) => (title ?? metric) + (unit === undefined ? '' : ` (${unit})`))
          .join(', '),
      },
    ];
    return facts.filter((fact) => fact.text !== '');
  }

  #drawOwnWords(area: Area): Row[] {
    const { say, clock } = this.#desk;
    const own = this.#ownWords;
    switch (own.kind) {
      case 'asking':
        return [[{ text: say('description.own.asking'), tone: 'dim' }]];
      case 'offline':
        return [[{ text: say('description.own.offline'), tone: 'dim' }]];
      case 'told':
        return factRows(valueLines(own.output, say).lines, area);
      case 'failed': {
        const { title, detail } = explainFailure(own.error, say, clock.now());
        return factRows(
          [{ label: '', text: title, tone: 'bad' }, ...(detail === '' ? [] : [{ label: '', text: detail }])],
          area,
        );
      }
      default:
        return [];
    }
  }

  async #ask(): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      await this.#load(abort.signal);
    } catch (error) {
      if (!abort.signal.aborted && !(error instanceof ClientError)) throw error;
      if (!abort.signal.aborted && this.#ownWords.kind === 'asking')
        this.#ownWords = { kind: 'failed', error };
    } finally {
      this.#desk.changed();
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { session } = this.#desk;
    const { deviceId } = this.#device;
    const describe = this.#describe;
    if (describe !== undefined) this.#ownWords = { kind: 'asking' };
    this.#device = await session.call((client) => client.devices.get(deviceId, { signal }));
    this.#desk.changed();
    if (describe === undefined) return;
    if (this.#device.presence.status === 'offline') {
      this.#ownWords = { kind: 'offline' };
      return;
    }
    const { output } = await session.call((client) =>
      client.devices.invoke(deviceId, describe.name, { signal }),
    );
    this.#ownWords = { kind: 'told', output };
  }
}

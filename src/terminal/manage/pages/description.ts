import { fail, succeed, type Result } from '../../../base/result.ts';
import type { ClientError, Command, Device, DeviceDetails } from '../../../client/index.ts';
import { drawBlocks, tellBlocks, textBlock, type Block, type Fact } from '../../ui/blocks.ts';
import type { Key } from '../../ui/key-reader.ts';
import type { Hint } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { sayReason } from '../device-words.ts';
import { failureBlocks } from '../failure-words.ts';
import type { PageContext } from '../page-context.ts';
import { ScrolledPage } from '../scrolled-page.ts';
import { sayTimestamp } from '../time-words.ts';
import { valueBlocks } from '../value-lines.ts';

type OwnWords =
  | { readonly kind: 'none' | 'asking' | 'offline' }
  | { readonly kind: 'told'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: ClientError };

/** The general description of a device: what the hub knows of it, and what it says of itself when asked. */
export class DescriptionPage extends ScrolledPage {
  readonly topic = 'description';
  readonly hints: readonly Hint[] = [
    ['r', 'keys.refresh'],
    ['↑↓', 'keys.scroll'],
    ['Esc', 'keys.back'],
  ];
  readonly #describe: Command | undefined;
  #device: Device | DeviceDetails;
  #ownWords: OwnWords = { kind: 'none' };

  constructor(app: PageContext, options: { device: Device; describe: Command | undefined }) {
    super(app);
    this.#device = options.device;
    this.#describe = options.describe;
  }

  get title(): string {
    return this.app.say('description.title');
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { hub } = this.app;
    const { deviceId } = this.#device;
    const describe = this.#describe;
    if (describe !== undefined) this.#ownWords = { kind: 'asking' };
    const device = await hub.call(({ devices }) => devices.get(deviceId, { signal }), signal);
    if (device.ok) this.#device = device.value;
    if (describe === undefined) return device;
    this.app.changed();
    const isOffline = this.#device.presence.status === 'offline';
    const own = !device.ok || isOffline ? device : await this.#ask(describe.name, signal);
    if (!own.ok) this.#ownWords = { kind: 'failed', error: own.failure };
    else this.#ownWords = isOffline ? { kind: 'offline' } : { kind: 'told', output: own.value };
    return succeed(undefined);
  }

  override onKey(key: Key): boolean {
    if (key.name !== 'text' || key.text !== 'r') return super.onKey(key);
    this.app.reload();
    return true;
  }

  protected override drawAll(area: Area): readonly Row[] {
    return drawBlocks(this.#blocks(), area);
  }

  override tell(): readonly string[] {
    return [tellBlocks(this.#blocks())];
  }

  async #ask(command: string, signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { deviceId } = this.#device;
    const answer = await this.app.hub.call(
      ({ devices }) => devices.invoke(deviceId, command, { signal }),
      signal,
    );
    return answer.ok ? succeed(answer.value.output) : fail(answer.failure);
  }

  #blocks(): Block[] {
    const own = this.#ownBlocks();
    const heading: Block = { kind: 'heading', text: this.app.say('description.own') };
    return [{ kind: 'facts', facts: this.#facts() }, ...(own.length === 0 ? [] : [heading, ...own])];
  }

  #facts(): Fact[] {
    const { say, clock } = this.app;
    const device = this.#device;
    const { presence } = device;
    const now = clock.now();
    const reports = 'telemetry' in device ? device.telemetry : [];
    const facts: Fact[] = [
      { label: say('description.id'), text: device.deviceId },
      { label: say('devices.column.title'), text: device.title ?? '' },
      { label: say('description.tags'), text: (device.tags ?? []).join(', ') },
      { label: say('description.model'), text: device.model ?? '' },
      { label: say('devices.column.gateway'), text: device.gateway },
      {
        label: say('devices.column.presence'),
        text: say(`presence.${presence.status}`),
        tone: presence.status === 'online' ? 'good' : 'plain',
      },
      { label: say('description.reason'), text: sayReason(say, presence.reason) },
      { label: say('description.since'), text: sayTimestamp(presence.since, now) },
      { label: say('description.lastSeen'), text: sayTimestamp(presence.lastSeen, now) },
      { label: say('device.commands'), text: String(device.commandCount) },
      {
        label: say('description.reports'),
        text: reports
          .map(({ title, metric, unit }) => (title ?? metric) + (unit === undefined ? '' : ` (${unit})`))
          .join(', '),
      },
    ];
    return facts.filter((fact) => fact.text !== '');
  }

  #ownBlocks(): Block[] {
    const { say } = this.app;
    const own = this.#ownWords;
    switch (own.kind) {
      case 'none':
        return [];
      case 'told':
        return valueBlocks(own.output, say);
      case 'failed':
        return failureBlocks(own.error, this.app);
      default:
        return [textBlock(say(`description.own.${own.kind}`), 'dim')];
    }
  }
}

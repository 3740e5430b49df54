import { fail, succeed, type Result } from '../../../base/result.ts';
import { ComponentBuilder, readSwitch } from '../discovery/component-builder.ts';
import type { AvailabilityPart, ComponentParts } from '../discovery/component-part.ts';
import { ComponentSettings } from '../discovery/component-settings.ts';
import type { DiscoveredItem } from '../discovery/describe-device.ts';
import type { StateMessage } from '../discovery/state-message.ts';
import type { TemplateCache } from '../template/template-cache.ts';
import { readTasmotaConfig, readTasmotaSensors, type TasmotaConfig } from './tasmota-config.ts';

/** Where Tasmota's own discovery stands, whatever the prefix of Home Assistant's is. */
export const TASMOTA_BELOW = 'tasmota/discovery/';
export const TASMOTA_FILTERS: readonly string[] = [`${TASMOTA_BELOW}+/config`, `${TASMOTA_BELOW}+/sensors`];

const TOPIC = /^(tasmota\/discovery\/[^/]+\/)(config|sensors)$/;
const SHUTTER = 3;

/** Reads Tasmota's own discovery: two topics for each device, of which one says where the other's values come. */
export class TasmotaReader {
  readonly #templates: TemplateCache;
  /** By the begin of their topics: what the config said, and what the sensors did. */
  readonly #configs = new Map<string, TasmotaConfig>();
  readonly #sensors = new Map<string, string>();

  constructor(templates: TemplateCache) {
    this.#templates = templates;
  }

  static isTopic(topicName: string): boolean {
    return TOPIC.test(topicName);
  }

  /** The items that follow from what a topic says, its own first; or what is wrong with it. */
  read(topicName: string, payload: string): Result<readonly DiscoveredItem[], string> {
    const [, begin = '', kind] = TOPIC.exec(topicName) ?? [];
    if (kind === 'sensors') {
      if (readTasmotaSensors(payload) === undefined) return fail('has no sensors');
      this.#sensors.set(begin, payload);
      return succeed(this.#sensorItems(begin));
    }
    const config = readTasmotaConfig(payload);
    if (config === undefined) return fail('is no config of Tasmota');
    this.#configs.set(begin, config);
    const components = relaysOf(config).map((build) => this.#build(config, build));
    return succeed([itemOf(topicName, config, components), ...this.#sensorItems(begin)]);
  }

  /** A topic says nothing any more. */
  forget(topicName: string): void {
    const [, begin = '', kind] = TOPIC.exec(topicName) ?? [];
    if (kind === 'sensors') this.#sensors.delete(begin);
    else this.#configs.delete(begin);
  }

  /** Nothing, as long as only one of the two has come. */
  #sensorItems(begin: string): readonly DiscoveredItem[] {
    const config = this.#configs.get(begin);
    const payload = this.#sensors.get(begin);
    if (config === undefined || payload === undefined) return [];
    const topic = `${config.topics.telemetry}SENSOR`;
    const components = (readTasmotaSensors(payload) ?? []).map(({ path, isNumber, unit }) =>
      this.#build(config, {
        key: path.join('.'),
        platform: 'sensor',
        build: (builder) =>
          builder.stateOn([topic], { type: isNumber ? 'number' : 'string', unit }, (message) =>
            textAt(message, path),
          ),
      }),
    );
    return [itemOf(`${begin}sensors`, config, components)];
  }

  #build(config: TasmotaConfig, { key, platform, build, name }: BuiltComponent): ComponentParts {
    const members = { name };
    const builder = new ComponentBuilder(new ComponentSettings({ key, platform, members }, this.#templates));
    build(builder);
    const { metrics, commands, events } = builder;
    const availability = availabilityOf(config);
    const uniqueId = `${config.mac}_${key}`;
    return { key, platform, uniqueId, metrics, commands, events, availability, notUnderstood: [] };
  }
}

type BuiltComponent = {
  readonly key: string;
  readonly platform: string;
  readonly name?: string | undefined;
  readonly build: (builder: ComponentBuilder) => void;
};

function itemOf(
  topicName: string,
  config: TasmotaConfig,
  components: readonly ComponentParts[],
): DiscoveredItem {
  const origin = { name: 'Tasmota', version: config.version };
  return { topicName, device: config.device, origin, components, isWholeDevice: true };
}

function availabilityOf({ topics, isOnline, isOffline }: TasmotaConfig): AvailabilityPart {
  const topic = `${topics.telemetry}LWT`;
  const read = readSwitch(isOnline, isOffline);
  return { key: topic, mode: 'latest', sources: [{ topic, read: ({ text }) => read(text) }] };
}

/** A switch, a light or a shutter for each relay that is one. */
function relaysOf(config: TasmotaConfig): readonly BuiltComponent[] {
  const { relays, names } = config;
  const isAlone = relays.filter((relay) => relay > 0).length === 1;
  const shutters = relays.flatMap((relay, index) => (relay === SHUTTER ? [index] : []));
  return relays.flatMap((relay, index): BuiltComponent[] => {
    const name = names[index];
    // The first of two relays speaks for the shutter.
    const shutter = shutters.indexOf(index);
    if (shutter !== -1) return shutter % 2 === 0 ? [shutterOf(config, shutter / 2 + 1, name)] : [];
    if (relay !== 1 && relay !== 2) return [];
    const power = `POWER${index + 1}`;
    const keys = isAlone ? ['POWER', power] : [power];
    const platform = relay === 1 ? 'switch' : 'light';
    const key = isAlone ? platform : `${platform}${index + 1}`;
    const build = (builder: ComponentBuilder): void => {
      buildPower(builder, config, { power, keys });
      if (relay === 2) buildLightParts(builder, config);
    };
    return [{ key, platform, name, build }];
  });
}

function buildPower(
  builder: ComponentBuilder,
  config: TasmotaConfig,
  { power, keys }: { readonly power: string; readonly keys: readonly string[] },
): void {
  const { isOn, isOff, topics } = config;
  builder.stateOn(stateTopics(config), { type: 'boolean', read: readSwitch(isOn, isOff) }, (message) => {
    const found = keys.find((key) => message.textAt([key]) !== undefined);
    return found === undefined ? succeed(undefined) : textAt(message, [found]);
  });
  builder.commandOn<boolean>(`${topics.command}${power}`, { input: { type: 'boolean' } }, (input) =>
    succeed(input ? isOn : isOff),
  );
}

function buildLightParts(builder: ComponentBuilder, config: TasmotaConfig): void {
  const { channels } = config;
  const number = (part: string, member: string, range: readonly [number, number]): void => {
    const [minimum, maximum] = range;
    builder.stateOn(stateTopics(config), { part, type: 'number' }, (message) => textAt(message, [member]));
    const input = { type: 'integer', minimum, maximum };
    builder.commandOn<number>(`${config.topics.command}${member}`, { part, input }, (value) =>
      succeed(String(value)),
    );
  };
  if (channels > 0) number('brightness', 'Dimmer', [0, 100]);
  if (channels === 2 || channels === 5) number('color_temp', 'CT', [153, 500]);
  if (channels < 3) return;
  const part = 'hsb';
  builder.stateOn(stateTopics(config), { part, type: 'string' }, (message) => textAt(message, ['HSBColor']));
  const items = { type: 'integer', minimum: 0, maximum: 360 };
  const input = { type: 'array', items, minItems: 3, maxItems: 3 };
  const wants = (color: readonly number[]): string => color.join(',');
  builder.commandOn<readonly number[]>(`${config.topics.command}HSBColor`, { part, input, wants }, (color) =>
    succeed(color.join(',')),
  );
}

function shutterOf(config: TasmotaConfig, number: number, name: string | undefined): BuiltComponent {
  const { command, telemetry } = config.topics;
  const orders: Readonly<Record<string, string>> = { open: 'Open', close: 'Close', stop: 'Stop' };
  const build = (builder: ComponentBuilder): void => {
    builder.stateOn(
      [...stateTopics(config), `${telemetry}SENSOR`],
      { part: 'position', type: 'number', unit: '%' },
      (message) => textAt(message, [`Shutter${number}`, 'Position']),
    );
    for (const [part, word] of Object.entries(orders))
      builder.commandOn(`${command}Shutter${word}${number}`, { part, kind: 'action' }, () => succeed(''));
    const input = { type: 'integer', minimum: 0, maximum: 100 };
    builder.commandOn<number>(`${command}ShutterPosition${number}`, { part: 'position', input }, (position) =>
      succeed(String(position)),
    );
  };
  return { key: `cover${number}`, platform: 'cover', name, build };
}

/** Tasmota tells what has changed on the first, and all of it now and then on the second. */
function stateTopics({ topics }: TasmotaConfig): readonly string[] {
  return [`${topics.state}RESULT`, `${topics.telemetry}STATE`];
}

/** Nothing where the message does not tell it. */
function textAt(message: StateMessage, path: readonly string[]): Result<string | undefined, string> {
  return succeed(message.textAt(path));
}

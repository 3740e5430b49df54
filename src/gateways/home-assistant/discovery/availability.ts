import type { AvailabilityPart } from './component-part.ts';
import { isStateTopic, type ComponentSettings } from './component-settings.ts';
import { renderState } from './component-builder.ts';
import type { StateMessage } from './state-message.ts';
import { scalarText } from '../template/python-text.ts';

type WrittenSource = {
  readonly topic: string | undefined;
  readonly template: string | undefined;
  readonly available: string | undefined;
  readonly notAvailable: string | undefined;
};

/** How it is known whether a component can be reached: from one topic, or a list of them. */
export function readAvailability(settings: ComponentSettings): AvailabilityPart | undefined {
  const listed = settings.objects('availability').map((item) => ({
    topic: scalarText(item['topic']),
    template: scalarText(item['value_template']),
    available: scalarText(item['payload_available']),
    notAvailable: scalarText(item['payload_not_available']),
  }));
  const single = {
    topic: settings.text('availability_topic'),
    template: settings.text('availability_template'),
    available: settings.text('payload_available'),
    notAvailable: settings.text('payload_not_available'),
  };
  const written = listed.length > 0 ? listed : [single];
  const sources = written
    .map((source) => readSource(settings, source))
    .filter((source) => source !== undefined);
  if (sources.length === 0) return undefined;
  const mode = settings.text('availability_mode');
  const key = JSON.stringify([mode, written]);
  return { key, mode: mode === 'all' || mode === 'any' ? mode : 'latest', sources };
}

function readSource(
  settings: ComponentSettings,
  { topic, template: text, available = 'online', notAvailable = 'offline' }: WrittenSource,
): AvailabilityPart['sources'][number] | undefined {
  if (topic === undefined || !isStateTopic(topic)) return undefined;
  const template = text === undefined ? undefined : settings.readTemplate('availability_template', text);
  if (template === 'bad') return undefined;
  const read = (message: StateMessage): boolean | undefined => {
    const word = renderState(template, message);
    if (!word.ok) return undefined;
    return word.value === available ? true : word.value === notAvailable ? false : undefined;
  };
  return { topic, read };
}

import type { AvailabilityPart } from './component-part.ts';
import { isStateTopic, type ComponentSettings } from './component-settings.ts';
import { renderState } from './component-builder.ts';
import type { StateMessage } from './state-message.ts';
import { jsonText, pythonText } from '../template/python-text.ts';
import type { PythonValue } from '../template/python-value.ts';

type WrittenSource = {
  readonly topic: PythonValue;
  readonly template: PythonValue;
  readonly available: PythonValue;
  readonly notAvailable: PythonValue;
};

/** How it is known whether a component can be reached: from one topic, or a list of them. */
export function readAvailability(settings: ComponentSettings): AvailabilityPart | undefined {
  const listed = settings.objects('availability').map((item) => ({
    topic: item['topic'],
    template: item['value_template'],
    available: item['payload_available'],
    notAvailable: item['payload_not_available'],
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
  const key = jsonText([
    mode ?? '',
    ...written.flatMap((source) => Object.values(source).map((each) => each ?? '')),
  ]);
  return { key, mode: mode === 'all' || mode === 'any' ? mode : 'latest', sources };
}

function readSource(
  settings: ComponentSettings,
  { topic, template: text, available, notAvailable }: WrittenSource,
): AvailabilityPart['sources'][number] | undefined {
  if (typeof topic !== 'string' || !isStateTopic(topic)) return undefined;
  const template =
    typeof text === 'string' ? settings.readTemplate('availability_template', text) : undefined;
  if (template === 'bad') return undefined;
  const yes = available === undefined ? 'online' : pythonText(available);
  const no = notAvailable === undefined ? 'offline' : pythonText(notAvailable);
  const read = (message: StateMessage): boolean | undefined => {
    const word = renderState(template, message);
    if (!word.ok) return undefined;
    return word.value === yes ? true : word.value === no ? false : undefined;
  };
  return { topic, read };
}

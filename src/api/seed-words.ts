import type { Command, JsonSchema } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';

const METHOD_OF_KIND = { read: 'GET', action: 'POST', write: 'PATCH' } as const;

/** A device's commands in the words of the plain socket protocol: as it sent them, or translated. */
export function seedDescription(device: Device): Readonly<Record<string, unknown>> {
  if (device.description.numbered !== undefined) return device.description.numbered;
  const entries = device.description.commands.map((command) => [
    String(command.number),
    {
      Descrição: command.title,
      Entrada: command.input === undefined ? '' : inputTitle(command.input),
      'Método HTTP': command.input === undefined ? METHOD_OF_KIND[command.kind] : 'PATCH',
      'Coleta de dados UDP': false,
    },
  ]);
  return Object.fromEntries(entries);
}

function inputTitle(schema: JsonSchema): string {
  const title = schema['title'] ?? onlyProperty(schema)?.name;
  return typeof title === 'string' ? title : 'Entrada';
}

/**
 * The text that stands in a path as the input of a command: as the schema wants it, alone or as the only
 * property of an object.
 *
 * @returns undefined when the command cannot be invoked with one text
 */
export function fitSeedInput(
  command: Command,
  text: string | undefined,
): { readonly value: unknown } | undefined {
  if (command.input === undefined) return text === undefined ? { value: undefined } : undefined;
  if (text === undefined) return undefined;
  const property = onlyProperty(command.input);
  if (property !== undefined) return { value: { [property.name]: fromText(property.schema, text) } };
  return { value: fromText(command.input, text) };
}

function fromText(schema: JsonSchema, text: string): unknown {
  const type = schema['type'];
  if ((type === 'number' || type === 'integer') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function onlyProperty(
  schema: JsonSchema,
): { readonly name: string; readonly schema: JsonSchema } | undefined {
  const properties = schema['properties'];
  if (schema['type'] !== 'object' || typeof properties !== 'object' || properties === null) return undefined;
  const entries = Object.entries(properties as Record<string, JsonSchema>);
  const [entry] = entries;
  return entries.length === 1 && entry !== undefined ? { name: entry[0], schema: entry[1] } : undefined;
}

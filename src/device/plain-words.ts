import { fail, succeed, type Result } from '../base/result.ts';
import type { JsonSchema } from '../devices/command.ts';
import type { MetricDefinition, PreparedCommand } from './definition.ts';
import type { Report } from './link.ts';
import { writePythonLiteral } from './python-literal.ts';

/** The bare words of version 1. */
export const CONNECT = 'Conexão';
export const CHECK = 'Checagem';
export const RECEIVED = 'Recebido';

/** What a device of version 1 says when a command goes wrong: its answers have no other place for it. */
export const INVALID_COMMAND = 'Comando inválido';
export const FAILED_COMMAND = 'O comando falhou no dispositivo';
export const LATE_COMMAND = 'O dispositivo não terminou o comando a tempo';
const DONE = 'Comando executado';

/** The description that follows the id: `{'1': {'Descrição': 'Ligar', …}, …}`. */
export function writeDescription(commands: readonly PreparedCommand[]): string {
  const entries = commands.map((command, index) => [
    String(index + 1),
    {
      Descrição: command.title,
      Entrada: command.input === undefined ? '' : titleOf(command.input),
      'Método HTTP': methodOf(command),
      'Coleta de dados UDP': command.answeredByDatagram,
    },
  ]);
  return writePythonLiteral(Object.fromEntries(entries));
}

/** Only the address of PATCH has a place for an input. */
function methodOf(command: PreparedCommand): 'GET' | 'POST' | 'PATCH' {
  if (command.input !== undefined) return 'PATCH';
  return command.kind === 'read' ? 'GET' : 'POST';
}

function titleOf(schema: JsonSchema): string {
  const title = schema['title'];
  return typeof title === 'string' && title !== '' ? title : 'Valor';
}

/** `{'Resposta': text or dictionary}` */
export function writeAnswer(output: unknown): string {
  if (output === undefined || output === null) return writePythonLiteral({ Resposta: DONE });
  if (typeof output === 'object' && !Array.isArray(output)) return writePythonLiteral({ Resposta: output });
  const text = typeof output === 'string' ? output : JSON.stringify(output);
  return writePythonLiteral({ Resposta: text });
}

/**
 * A report as version 1 writes it: `{'Temperatura': '25°C', 'Válido': True}`, or
 * `{'Válido': False, 'Justificativa': '…'}` when there is nothing to report. Metrics go by their titles.
 */
export function writePlainReport(report: Report, metrics: ReadonlyMap<string, MetricDefinition>): string {
  if (report.readings === undefined)
    return writePythonLiteral({ Válido: false, Justificativa: report.unavailable });
  const values: Record<string, unknown> = {};
  for (const [metric, value] of Object.entries(report.readings)) {
    const { title = metric, unit } = metrics.get(metric) ?? {};
    values[title] = unit === undefined ? value : `${value}${unit}`;
  }
  return writePythonLiteral({ ...values, Válido: true });
}

/** What the handler gets, or what is wrong, as the device answers it. */
type PlainInput = Result<unknown, string>;

/** Makes the type that the command's schema asks for out of `Entrada`, which is always a text in this version. */
export function readInput(schema: JsonSchema | undefined, entry: unknown): PlainInput {
  if (schema === undefined) return succeed(undefined);
  if (entry === undefined || entry === null) return fail(`Falta a entrada: ${titleOf(schema)}`);
  const text = typeof entry === 'string' ? entry : (JSON.stringify(entry) ?? '');
  const type = schema['type'];
  if (type === 'number' || type === 'integer') return readNumber(text, type);
  if (type === 'boolean') {
    const value = text.trim().toLowerCase();
    if (value === 'true' || value === 'false') return succeed(value === 'true');
    return fail('Entrada inválida: é preciso true ou false');
  }
  if (type === 'object' || type === 'array') return readJson(text);
  return succeed(text);
}

function readNumber(text: string, type: 'number' | 'integer'): PlainInput {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) return succeed(value);
  return fail(`Entrada inválida: é preciso um número${type === 'integer' ? ' inteiro' : ''}`);
}

function readJson(text: string): PlainInput {
  try {
    return succeed(JSON.parse(text));
  } catch {
    return fail('Entrada inválida: é preciso JSON');
  }
}

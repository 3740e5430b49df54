import { readConfigText } from '../config/load-config.ts';
import { outlineDocument } from '../config/read-document.ts';

/** Of which kind a file is, by its keys; undefined when it has no routes, or cannot be read. */
export function recognizeBridgeFile(file: string, folder: string): 'gateway' | 'agent' | undefined {
  const text = readConfigText(file, folder);
  const keys = text.ok ? outlineDocument(text.value) : new Set();
  if (!keys.has('routes')) return undefined;
  return keys.has('routes[].call') && !keys.has('http') ? 'agent' : 'gateway';
}

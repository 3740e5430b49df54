import type { MessageKey, Say } from '../messages.ts';

/** What can be typed on the pages that wait for a choice. */
const HELP: Readonly<Record<'devices' | 'device', readonly MessageKey[]>> = {
  devices: [
    'plain.help.device',
    'plain.help.search',
    'plain.help.filter',
    'plain.help.pages',
    'plain.help.refresh',
    'plain.help.server',
    'plain.help.quit',
  ],
  device: [
    'plain.help.command',
    'plain.help.description',
    'plain.help.refresh',
    'plain.help.forget',
    'plain.help.back',
    'plain.help.quit',
  ],
};

/** The help of plain lines. */
export function sayPlainHelp(topic: keyof typeof HELP, say: Say): string {
  return [say('plain.help.heading'), ...HELP[topic].map((key) => say(key))].join('\n');
}

/** Where pages of the web console are, below `/ui/`: the hub serves these, and the console has a page for each. */
export const CONSOLE_PAGES = [
  'devices',
  'devices/:deviceId',
  'invocations',
  'services',
  'topics',
  'clients',
  'health',
] as const;
export type ConsolePage = (typeof CONSOLE_PAGES)[number];

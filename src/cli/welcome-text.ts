type Listening = readonly { readonly name: string; readonly address: string }[];

/** Sources run in a checkout, where `npx` finds the program; the published one is on the path. */
const PROGRAM = import.meta.url.endsWith('.ts') ? 'npx recado' : 'recado';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_TCP_PORT = '5050';
const DEFAULT_UDP_PORT = '5060';
const DEFAULT_HTTP = `http://${DEFAULT_HOST}:5070`;
const DEFAULT_MQTT = `mqtt://${DEFAULT_HOST}:1883`;

/**
 * What a person at a terminal reads when the hub is up: what listens, and what to do next.
 *
 * @param listening - addresses as URLs: `http://127.0.0.1:5070`
 * @param folder - where what lasts is kept; undefined when nothing is
 */
export function welcomeText(listening: Listening, folder: string | undefined): string {
  const told = [...listening, { name: 'data', address: folder ?? 'in memory only' }];
  const nameWidth = Math.max(...told.map(({ name }) => name.length));
  const rows = told.map(({ name, address }) => `  ${name.padEnd(nameWidth)}  ${address}`);
  const find = (name: string): string | undefined =>
    listening
      .find((each) => each.name === name)
      ?.address.replace('//0.0.0.0', '//127.0.0.1')
      .replace('//[::]', '//[::1]');
  const [http, tcp, udp, mqtt] = ['http', 'socket-tcp', 'socket-udp', 'mqtt'].map(find);
  const tries = [
    ...(tcp === undefined ? [] : [[`simulate sensor${socketFlags(tcp, udp)}`, 'a virtual device']]),
    ...(http === undefined ? [] : [[`manage${hubArgument(http)}`, 'see the devices and command them']]),
    ...(mqtt === undefined ? [] : [[`pub ${topicFlag(mqtt)} -m world`, 'say hello over MQTT']]),
  ].map(([words = '', what = '']) => [`${PROGRAM} ${words}`, what] as const);
  const tryWidth = Math.max(0, ...tries.map(([words]) => words.length));
  return [
    '',
    'Recado is running.',
    '',
    ...rows,
    '',
    'Try, in another terminal:',
    ...tries.map(([words, what]) => `  ${words.padEnd(tryWidth)}  ${what}`),
    ...(http === undefined ? [] : [`  curl ${http}/api/v1/devices`]),
    '',
    'Ctrl+C stops it.',
    '',
    '',
  ].join('\n');
}

/** Where virtual devices find the hub; nothing where that is what they look for by themselves. */
function socketFlags(tcp: string, udp: string | undefined): string {
  const { hostname, port } = new URL(tcp);
  const udpPort = udp === undefined ? DEFAULT_UDP_PORT : new URL(udp).port;
  return [
    hostname === DEFAULT_HOST ? '' : ` --host ${hostname.replaceAll(/[[\]]/g, '')}`,
    port === DEFAULT_TCP_PORT ? '' : ` --port ${port}`,
    udpPort === DEFAULT_UDP_PORT ? '' : ` --udp-port ${udpPort}`,
  ].join('');
}

function hubArgument(http: string): string {
  return http === DEFAULT_HTTP ? '' : ` ${http}`;
}

/** The topic alone where `recado pub` finds the broker by itself. */
function topicFlag(mqtt: string): string {
  return mqtt === DEFAULT_MQTT ? '-t hello' : `-L ${mqtt}/hello`;
}

type Listening = readonly { readonly name: string; readonly address: string }[];

/** Sources run in a checkout, where `npx` finds the program; the published one is on the path. */
const PROGRAM = import.meta.url.endsWith('.ts') ? 'npx recado' : 'recado';

/**
 * What a person at a terminal reads when the hub is up: what listens, and what to do next.
 *
 * @param listening - addresses as URLs: `http://127.0.0.1:5070`
 */
export function welcomeText(listening: Listening): string {
  const nameWidth = Math.max(0, ...listening.map(({ name }) => name.length));
  const rows = listening.map(({ name, address }) => `  ${name.padEnd(nameWidth)}  ${address}`);
  const http = listening.find(({ address }) => address.startsWith('http://'));
  const curl = http === undefined ? [] : [`  curl ${reachable(http.address)}/api/v1/devices`];
  const mqtt = listening.find(({ name }) => name === 'mqtt');
  const publish = mqtt === undefined ? [] : [`  ${PROGRAM} pub ${topicFlag(mqtt.address)} -m world`];
  return [
    '',
    'Recado is running.',
    '',
    ...rows,
    '',
    'Try, in another terminal:',
    `  ${PROGRAM} simulate sensor    a virtual device`,
    `  ${PROGRAM} manage             see the devices and command them`,
    ...publish,
    ...curl,
    '',
    'Ctrl+C stops it.',
    '',
    '',
  ].join('\n');
}

/** The topic alone where `recado pub` finds the broker by itself. */
function topicFlag(address: string): string {
  const url = reachable(address);
  return url === 'mqtt://127.0.0.1:1883' ? '-t hello' : `-L ${url}/hello`;
}

/** An address that listens everywhere is no address to call. */
function reachable(address: string): string {
  return address.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}

import assert from 'node:assert/strict';
import { Socket } from 'node:dgram';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { createHub } from '../../src/hub/create-hub.ts';
import { findFreePorts, startHubProcess } from '../helpers/hub-process.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

test('one address has half of the lines about devices that come and go, by whatever ids', async (t) => {
  const { log, lines } = recordingLogger();
  const config = { ...defaultConfig(), inMemory: true, mqtt: { ...defaultConfig().mqtt, enabled: false } };
  const socket = { ...config.gateways.socket, tcpPort: 0, udpPort: 0 };
  const clock = { ...systemClock, monotonic: () => 0 };
  const hub = createHub({ ...config, gateways: { ...config.gateways, socket } }, { log, clock });
  const listening = await hub.start();
  t.after(() => hub.stop());
  const { port } = new URL(listening.find(({ name }) => name === 'socket-tcp')?.address ?? '');
  const device = await WireDevice.connect(t, Number(port));
  const told = (): number => lines.filter(({ text }) => / is (online|offline)/.test(text)).length;
  for (let id = 1; id <= 110; id++) {
    const each = id === 110 ? device : await WireDevice.connect(t, Number(port));
    each.send(`{"recado":2,"id":"d-${id}"}\n`);
    await until('it is let in', () => each.text.includes('"ok":true'));
  }
  assert.equal(told(), 100);
  assert.equal(log.withheld.get('devices that came and went'), 10);
});

test('errors of the socket for datagrams, however many, are twenty lines', async (t) => {
  const { log, lines } = recordingLogger();
  // The system tells of such errors when it wants to.
  const { mock } = t.mock.method(Socket.prototype, 'bind');
  const config = { ...defaultConfig(), inMemory: true, mqtt: { ...defaultConfig().mqtt, enabled: false } };
  const socket = { ...config.gateways.socket, tcpPort: 0, udpPort: 0 };
  const hub = createHub({ ...config, gateways: { ...config.gateways, socket } }, { log });
  await hub.start();
  t.after(() => hub.stop());
  const udp = mock.calls[0]?.this as Socket;
  for (let count = 0; count < 50; count++) udp.emit('error', new Error('recvmsg ECONNREFUSED'));
  const told = lines.filter(({ text }) => text === 'the UDP socket reported an error').length;
  assert.ok(told > 0 && told <= 40, `${told} lines`);
});

test('lines that were withheld are counted where figures are read', async (t) => {
  const hub = await startHubProcess(await findFreePorts(), { settings: { RECADO_MQTT_ENABLED: 'false' } });
  t.after(() => hub.stop());
  const read = async (): Promise<string> => (await fetch(`${hub.url}/metrics`)).text();
  assert.doesNotMatch(await read(), /recado_log_lines_withheld_total\{/);
  await until('a line is withheld', async () => {
    for (let n = 0; n < 40; n++) {
      const device = await WireDevice.connect(t, hub.ports.tcp);
      device.send('{"recado":9}\n');
      await until('it is refused', () => device.isClosed);
    }
    return /^recado_log_lines_withheld_total\{kind="faults-of-devices"\} [1-9]/m.test(await read());
  });
});

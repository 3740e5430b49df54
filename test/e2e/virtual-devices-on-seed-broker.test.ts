import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { findFreePorts, recadoWords, type HubPorts } from '../helpers/hub-process.ts';
import { SeedApplication, skipWithoutPython, startSeedProgram } from '../helpers/seed-programs.ts';

/*
 * The other way round: our virtual devices, as `recado simulate` runs them, against a broker that is not ours and reads
 * what they send with `eval`. It knows one device for each address, so each test has a broker and one device: DE1.
 */

async function startBroker(t: TestContext, ports: HubPorts): Promise<ChildProgram> {
  const { tcp, udp, http } = ports;
  const args = ['--tcp-port', tcp, '--udp-port', udp, '--http-port', http].map(String);
  const broker = startSeedProgram('broker', args);
  t.after(() => broker.stop());
  await broker.waitForLine(/^listening /);
  return broker;
}

async function startVirtualDevice(
  t: TestContext,
  start: { broker: ChildProgram; kind: 'sensor' | 'radio'; ports: HubPorts; args?: readonly string[] },
): Promise<ChildProgram> {
  const { broker, kind, ports, args = [] } = start;
  const hub = ['--port', String(ports.tcp), '--udp-port', String(ports.udp)];
  const device = new ChildProgram(recadoWords('simulate', kind, '--headless', ...hub, ...args), {
    name: `recado simulate ${kind}`,
  });
  t.after(() => device.stop());
  await device.waitForLine(/DE1: online/);
  // It has its id now; the broker has its description a moment later.
  await broker.waitForLine('connected DE1 127.0.0.1');
  return device;
}

/** Fails when the broker met something that it does not stand. */
function assertUndisturbed(broker: ChildProgram): void {
  const trouble = broker.lines.filter((line) =>
    /^(died|failed|stranger|odd-keep-alive|disconnected)/.test(line),
  );
  assert.deepEqual(trouble, [], broker.errorText);
}

const plainCommand = (title: string): object => ({
  Descrição: title,
  Entrada: '',
  'Método HTTP': 'POST',
  'Coleta de dados UDP': false,
});

describe(
  'our virtual devices, with a broker of the first seed',
  { skip: skipWithoutPython, concurrency: true },
  () => {
    it('the sensor is described, obeys, reports by UDP and is kept alive', async (t) => {
      const ports = await findFreePorts();
      const broker = await startBroker(t, ports);
      const app = new SeedApplication(ports.http);
      t.after(() => app.stop());
      await startVirtualDevice(t, { broker, kind: 'sensor', ports, args: ['--temperature', '25'] });

      assert.deepEqual(await app.answer('devices'), ['DE1']);
      assert.deepEqual(await app.answer('commands DE1'), {
        '1': plainCommand('Ligar'),
        '2': plainCommand('Desligar'),
        '3': {
          Descrição: 'Retornar medida de temperatura',
          Entrada: '',
          'Método HTTP': 'GET',
          'Coleta de dados UDP': true,
        },
      });
      assert.deepEqual(await app.answer('describe DE1'), {
        Descrição: 'Sensor de temperatura',
        Status: 'Desligado',
      });
      const off = 'Dispositivo desligado, não é possível coletar os dados';
      assert.equal(await app.answer('send DE1 3'), off);
      assert.equal(await app.answer('send DE1 1'), 'Dispositivo ligado');
      assert.equal(await app.answer('send DE1 1'), 'Dispositivo já está ligado');
      await broker.waitForLine(`datagram DE1 {'Temperatura': '25°C', 'Válido': True}`);
      assert.deepEqual(await app.answer('send DE1 3'), { Temperatura: '25°C' });
      assert.deepEqual(await app.answer('describe DE1'), {
        Descrição: 'Sensor de temperatura',
        Status: 'Ligado',
      });
      assert.equal(await app.answer('send DE1 2'), 'Dispositivo desligado');
      assert.equal(await app.answer('send DE1 2'), 'Dispositivo já está desligado');
      await broker.waitForLine(`datagram DE1 {'Válido': False, 'Justificativa': '${off}'}`);
      const mark = broker.mark();
      await broker.waitForLine('keep-alive DE1', { after: mark });
      assertUndisturbed(broker);
    });

    it('the radio is described and obeys, whatever the song is called', async (t) => {
      const ports = await findFreePorts();
      const broker = await startBroker(t, ports);
      const app = new SeedApplication(ports.http);
      t.after(() => app.stop());
      await startVirtualDevice(t, { broker, kind: 'radio', ports });
      const state = (status: string, song: string, songStatus: string): object => ({
        Descrição: 'Aparelho de som via internet',
        'Status do dispositivo': status,
        'Música atual': song,
        'Status da música': songStatus,
      });

      assert.deepEqual(await app.answer('commands DE1'), {
        '1': plainCommand('Ligar'),
        '2': plainCommand('Desligar'),
        '3': {
          Descrição: 'Setar música',
          Entrada: 'Música',
          'Método HTTP': 'PATCH',
          'Coleta de dados UDP': false,
        },
        '4': plainCommand('Tocar'),
        '5': plainCommand('Pausar'),
      });
      assert.deepEqual(await app.answer('describe DE1'), state('Desligado', '-----', '-------'));
      assert.equal(await app.answer('send DE1 4'), 'Nenhuma música foi selecionada');
      assert.equal(await app.answer('send DE1 1'), 'Dispositivo ligado');
      for (const song of [
        'Aquarela',
        'Águas de março',
        `it's "quoted" \\ {'Comando': '2'}`,
        '100% 日本語 🎵',
      ]) {
        assert.equal(await app.answer(`send DE1 3 ${song}`), 'Música selecionada');
        assert.deepEqual(await app.answer('describe DE1'), state('Ligado', song, 'Tocando'));
      }
      assert.equal(await app.answer('send DE1 4'), 'A música já está tocando');
      assert.equal(await app.answer('send DE1 5'), 'A música foi pausada');
      assert.equal(await app.answer('send DE1 5'), 'A música já está pausada');
      assert.equal(await app.answer('send DE1 4'), 'A música foi colocada para tocar');
      assert.equal(await app.answer('send DE1 2'), 'Dispositivo desligado');
      assert.equal(
        await app.answer('send DE1 4'),
        'Aparelho desligado, não tem como modificar status da música',
      );
      const mark = broker.mark();
      await broker.waitForLine('keep-alive DE1', { after: mark });
      assertUndisturbed(broker);
    });

    it('a device finds a broker again that was killed and started anew', async (t) => {
      const ports = await findFreePorts();
      const first = await startBroker(t, ports);
      const device = await startVirtualDevice(t, { broker: first, kind: 'radio', ports });
      first.signal('SIGKILL');
      await first.exit();
      await device.waitForLine(/DE1: waiting/);
      const mark = device.mark();
      const second = await startBroker(t, ports);
      await second.waitForLine('connected DE1 127.0.0.1');
      await device.waitForLine(/DE1: online/, { after: mark });
      // It asked first whether it was still connected, as this protocol wants it.
      assert.ok(second.lines.includes('check 127.0.0.1 Desconectado'));
      assertUndisturbed(second);
    });

    it('a device goes on with a broker that was silent for longer than it waits', async (t) => {
      const ports = await findFreePorts();
      const broker = await startBroker(t, ports);
      const app = new SeedApplication(ports.http);
      t.after(() => app.stop());
      const device = await startVirtualDevice(t, { broker, kind: 'radio', ports });
      await broker.waitForLine('keep-alive DE1');
      const mark = device.mark();
      broker.signal('SIGSTOP');
      await device.waitForLine(/DE1: (connecting|waiting)/, { after: mark });
      broker.signal('SIGCONT');
      await broker.waitForLine(/^check 127\.0\.0\.1 /);
      await device.waitForLine(/DE1: online/, { after: mark });
      assert.equal(await app.answer('send DE1 1'), 'Dispositivo ligado');
      assert.ok(
        !broker.lines.some((line) => /^(died|failed|stranger|odd-keep-alive)/.test(line)),
        broker.lines.join('\n'),
      );
    });

    it('a device that is stopped leaves the broker at once', async (t) => {
      const ports = await findFreePorts();
      const broker = await startBroker(t, ports);
      const device = await startVirtualDevice(t, { broker, kind: 'sensor', ports });
      device.signal('SIGTERM');
      assert.equal(await device.exit(), 0);
      await broker.waitForLine(/^disconnected DE1 /);
    });
  },
);

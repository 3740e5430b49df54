import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ChildProgram } from '../helpers/child-program.ts';
import { findFreePorts, startHubProcess, type HubProcess } from '../helpers/hub-process.ts';
import { connectSeedDevice, SeedApplication, skipWithoutPython } from '../helpers/seed-programs.ts';
import { until } from '../helpers/until.ts';

/*
 * Programs that already exist and will not change, as real processes, against the real hub: test/seed/README.md says
 * what they stand for. Ports are free ones; times are the hub's and the seed's own unless a test says why not.
 */

const SENSOR_COMMANDS = {
  '1': { Descrição: 'Ligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  '2': { Descrição: 'Desligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  '3': {
    Descrição: 'Retornar medida de temperatura',
    Entrada: '',
    'Método HTTP': 'GET',
    'Coleta de dados UDP': true,
  },
};
const RADIO_COMMANDS = {
  '1': { Descrição: 'Ligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  '2': { Descrição: 'Desligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  '3': { Descrição: 'Setar música', Entrada: 'Música', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': false },
  '4': { Descrição: 'Tocar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  '5': { Descrição: 'Pausar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
};
const OFF = 'Dispositivo desligado, não é possível coletar os dados';
const NO_DATA = 'Não foram retornados dados do dispositivo';

/** A command that no device here has; a device says so itself. */
const UNKNOWN_NUMBER = 99;

/** Fails when the program met something that it does not stand, or lost its connection. */
function assertUndisturbed(program: ChildProgram): void {
  const trouble = program.lines.filter(
    (line) => /^(died|invalid|silence|broken|retry)/.test(line) && !line.includes(`"${UNKNOWN_NUMBER}"`),
  );
  assert.deepEqual(trouble, [], `${program.name} was disturbed: ${program.errorText}`);
}

async function listIds(hub: HubProcess): Promise<string[]> {
  const ids = (await (await fetch(`${hub.url}/devices`)).json()) as string[];
  return ids.sort();
}

async function call(
  hub: HubProcess,
  method: string,
  path: string,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${hub.url}${path}`, { method });
  return { status: answer.status, body: await answer.json() };
}

describe('programs of the first seed, with the hub', { skip: skipWithoutPython, concurrency: true }, () => {
  describe('a sensor, a radio and a management application', { concurrency: 1 }, () => {
    let hub: HubProcess;
    let app: SeedApplication;
    let sensor: ChildProgram;
    let radio: ChildProgram;

    before(async () => {
      hub = await startHubProcess(await findFreePorts());
      app = new SeedApplication(hub.ports.http);
      [{ program: sensor }, { program: radio }] = await Promise.all([
        connectSeedDevice('sensor', hub.ports, { address: '127.0.0.11' }),
        connectSeedDevice('radio', hub.ports, { address: '127.0.0.12' }),
      ]);
    });

    after(async () => {
      await Promise.all([sensor, radio, app, hub].map((each) => each?.stop()));
    });

    it('have the ids of their addresses, and are listed', async () => {
      assert.ok(sensor.lines.includes('id DE11'));
      assert.ok(radio.lines.includes('id DE12'));
      assert.equal((await app.ask('check')).status, 200);
      await until('both are listed', async () => (await listIds(hub)).length === 2);
      assert.deepEqual(((await app.answer('devices')) as string[]).sort(), ['DE11', 'DE12']);
      assert.deepEqual(
        await (await fetch(`${hub.url}/devices/`)).json(),
        await (await fetch(`${hub.url}/devices`)).json(),
      );
    });

    it('are described exactly as they describe themselves', async () => {
      // As text, so that the order of the commands and of their words counts too.
      assert.equal(JSON.stringify(await app.answer('commands DE11')), JSON.stringify(SENSOR_COMMANDS));
      assert.equal(JSON.stringify(await app.answer('commands DE12')), JSON.stringify(RADIO_COMMANDS));
    });

    it('a sensor obeys each of its commands, and its readings come by UDP', async () => {
      assert.deepEqual(await app.answer('describe DE11'), {
        Descrição: 'Sensor de temperatura',
        Status: 'Desligado',
      });
      assert.equal(await app.answer('send DE11 3'), NO_DATA); // Off, and no temperature was ever set: it sends nothing.
      assert.equal(await app.answer('send DE11 1'), 'Dispositivo ligado');
      assert.equal(await app.answer('send DE11 1'), 'Dispositivo já está ligado');
      assert.deepEqual(await app.answer('describe DE11'), {
        Descrição: 'Sensor de temperatura',
        Status: 'Ligado',
      });
      sensor.say('temperature 25');
      await sensor.waitForLine(/^datagram .*25°C/);
      assert.deepEqual(await app.answer('send DE11 3'), { Temperatura: '25°C' });
      sensor.say('temperature -49');
      await sensor.waitForLine(/^datagram .*-49°C/);
      assert.deepEqual(await app.answer('send DE11 3'), { Temperatura: '-49°C' });
      const { body } = await call(hub, 'GET', '/api/v1/devices/DE11/telemetry');
      const { readings } = body as { readings: { metric: string; value: unknown; unit: string }[] };
      assert.deepEqual(
        readings.map(({ metric, value, unit }) => ({ metric, value, unit })),
        [{ metric: 'Temperatura', value: -49, unit: '°C' }],
      );
      assert.equal(await app.answer('send DE11 2'), 'Dispositivo desligado');
      assert.equal(await app.answer('send DE11 2'), 'Dispositivo já está desligado');
      await sensor.waitForLine(/^datagram .*Justificativa/);
      assert.equal(await app.answer('send DE11 3'), OFF);
    });

    it('a radio obeys each of its commands, in every state', async () => {
      const described = async (): Promise<unknown> => app.answer('describe DE12');
      const state = (status: string, song: string, songStatus: string): unknown => ({
        Descrição: 'Aparelho de som via internet',
        'Status do dispositivo': status,
        'Música atual': song,
        'Status da música': songStatus,
      });
      assert.deepEqual(await described(), state('Desligado', '-----', '-------'));
      assert.equal(await app.answer('send DE12 4'), 'Nenhuma música foi selecionada');
      assert.equal(await app.answer('send DE12 3 Aquarela'), 'Música selecionada');
      assert.equal(
        await app.answer('send DE12 5'),
        'Aparelho desligado, não tem como modificar status da música',
      );
      assert.deepEqual(await described(), state('Desligado', 'Aquarela', 'Pausada'));
      assert.equal(await app.answer('send DE12 1'), 'Dispositivo ligado');
      assert.equal(await app.answer('send DE12 4'), 'A música já está tocando');
      assert.equal(await app.answer('send DE12 5'), 'A música foi pausada');
      assert.equal(await app.answer('send DE12 5'), 'A música já está pausada');
      assert.equal(await app.answer('send DE12 4'), 'A música foi colocada para tocar');
      assert.deepEqual(await described(), state('Ligado', 'Aquarela', 'Tocando'));
      assert.equal(await app.answer('send DE12 2'), 'Dispositivo desligado');
      assert.deepEqual(await described(), state('Desligado', 'Aquarela', 'Pausada'));
    });

    for (const song of [
      'Águas de março',
      `it's "quoted" \\ {'Comando': '2'}`,
      'AC/DC, Back in Black (100%)',
      '50%20x',
      "a&b=c;d+e:f@g!$*()'",
      '日本語 🎵 \u2028',
      'x'.repeat(1500),
    ]) {
      it(`a song arrives as it was typed: ${song.slice(0, 40)}`, async () => {
        assert.equal(await app.answer(`send DE12 3 ${song}`), 'Música selecionada');
        const described = (await app.answer('describe DE12')) as Record<string, unknown>;
        // `requests` leaves what already looks encoded as it is, so the seed's own broker gets it decoded too.
        assert.equal(described['Música atual'], song === '50%20x' ? '50 x' : song.trim());
      });
    }

    it('what is wrong gets the words that the seed has for it', async () => {
      assert.deepEqual(await call(hub, 'GET', '/devices/DE99/commands/description'), {
        status: 404,
        body: { Resposta: 'Dispositivo não encontrado' },
      });
      for (const [method, path] of [
        ['GET', '4'],
        ['POST', '1'],
        ['PATCH', '3/x'],
      ] as const) {
        const { status, body } = await call(hub, method, `/devices/DE99/commands/${path}`);
        assert.deepEqual(
          [status, body],
          [404, { Resposta: 'Dispositivo não encontrado' }],
          `${method} ${path}`,
        );
      }
      const { status, body } = await call(hub, 'POST', '/devices/DE11/commands/ligar');
      assert.deepEqual([status, body], [400, { Resposta: 'Comando inválido' }]);
      assert.deepEqual(await call(hub, 'POST', `/devices/DE11/commands/${UNKNOWN_NUMBER}`), {
        status: 200,
        body: { Resposta: 'Comando inválido' },
      });
    });

    it('many callers at once never get each other’s answers', async () => {
      const paths = [
        'POST /devices/DE12/commands/1',
        'POST /devices/DE12/commands/2',
        'GET /devices/DE12/commands/6',
        'POST /devices/DE11/commands/1',
        'GET /devices/DE11/commands/4',
      ];
      const expected = [
        /^"Dispositivo (já está )?ligado"$/,
        /^"Dispositivo (já está )?desligado"$/,
        /^\{.*Aparelho de som/,
        /^"Dispositivo (já está )?ligado"$/,
        /^\{.*Sensor de temperatura/,
      ];
      const answers = await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const [method = '', path = ''] = (paths[index % paths.length] ?? '').split(' ');
          return call(hub, method, path);
        }),
      );
      for (const [index, { status, body }] of answers.entries()) {
        assert.equal(status, 200);
        assert.match(
          JSON.stringify((body as Record<string, unknown>)['Resposta']),
          expected[index % expected.length] ?? /^$/,
        );
      }
    });

    it('both were kept alive all the while, and nothing disturbed them', async () => {
      for (const program of [sensor, radio]) {
        await program.waitForLine('keep-alive');
        assertUndisturbed(program);
      }
    });

    it('a device that is told to disconnect leaves the list, and can come back under its id', async () => {
      const mark = sensor.mark();
      sensor.say('disconnect');
      await sensor.waitForLine('disconnected', { after: mark });
      await until('DE11 is gone', async () => !(await listIds(hub)).includes('DE11'));
      assert.equal((await app.ask('describe DE11')).status, 404);
      sensor.say('connect');
      assert.equal(await sensor.waitForLine(/^id /, { after: mark }), 'id DE11');
      await until('DE11 is back', async () => (await listIds(hub)).includes('DE11'));
      assert.deepEqual(await app.answer('describe DE11'), {
        Descrição: 'Sensor de temperatura',
        Status: 'Ligado',
      });
    });
  });

  it('a device that no longer answers leaves the list, and reconnects by itself', async (t) => {
    const hub = await startHubProcess(await findFreePorts());
    t.after(() => hub.stop());
    const { program: radio } = await connectSeedDevice('radio', hub.ports, { address: '127.0.0.12' });
    t.after(() => radio.stop());
    await until('it is listed', async () => (await listIds(hub)).includes('DE12'));
    radio.signal('SIGSTOP');
    const stoppedAt = performance.now();
    await until('it has left the list', async () => !(await listIds(hub)).includes('DE12'));
    assert.ok(performance.now() - stoppedAt > 4000, 'it was given its 5 s to answer');
    const mark = radio.mark();
    radio.signal('SIGCONT');
    await radio.waitForLine(/^broken /, { after: mark });
    await radio.waitForLine('check Desconectado', { after: mark });
    assert.equal(await radio.waitForLine(/^id /, { after: mark }), 'id DE12');
    await radio.waitForLine('reconnected', { after: mark });
    await until('it is listed again', async () => (await listIds(hub)).includes('DE12'));
    assert.deepEqual((await call(hub, 'POST', '/devices/DE12/commands/1')).body, {
      Resposta: 'Dispositivo ligado',
    });
  });

  it('a hub that is killed and started again finds its devices back, without anybody doing anything', async (t) => {
    const ports = await findFreePorts();
    const first = await startHubProcess(ports);
    t.after(() => first.stop());
    const { program: sensor } = await connectSeedDevice('sensor', ports, {
      address: '127.0.0.11',
      args: ['--on', '--temperature', '25'],
    });
    t.after(() => sensor.stop());
    const { program: radio } = await connectSeedDevice('radio', ports, {
      address: '127.0.0.12',
      args: ['--on', '--song', 'Aquarela'],
    });
    t.after(() => radio.stop());
    await until('both are listed', async () => (await listIds(first)).length === 2);
    first.program.signal('SIGKILL');
    await first.program.exit();
    await Promise.all([sensor, radio].map((program) => program.waitForLine(/^retry /)));

    const second = await startHubProcess(ports);
    t.after(() => second.stop());
    await Promise.all([sensor, radio].map((program) => program.waitForLine('reconnected')));
    await until('both are listed again', async () => (await listIds(second)).join() === 'DE11,DE12');
    assert.deepEqual((await call(second, 'GET', '/devices/DE11/commands/3')).body, {
      Resposta: { Temperatura: '25°C' },
    });
    assert.deepEqual((await call(second, 'POST', '/devices/DE12/commands/5')).body, {
      Resposta: 'A música foi pausada',
    });
    for (const program of [sensor, radio]) assert.ok(program.lines.includes('check Desconectado'));
  });

  it('a device that finds the hub silent asks, and is told whether it is still connected', async (t) => {
    const hub = await startHubProcess(await findFreePorts());
    t.after(() => hub.stop());
    // Less patience than the hub's 3 s between keep-alives: silence, though nothing is wrong.
    const { program: radio } = await connectSeedDevice('radio', hub.ports, {
      address: '127.0.0.31',
      args: ['--timeout', '2'],
    });
    t.after(() => radio.stop());
    await radio.waitForLine(/^silence /);
    await radio.waitForLine('check Conectado');
    await radio.waitForLine('resumed');
    assert.deepEqual(await listIds(hub), ['DE31']);
    const mark = radio.mark();
    assert.deepEqual((await call(hub, 'POST', '/devices/DE31/commands/1')).body, {
      Resposta: 'Dispositivo ligado',
    });
    await radio.waitForLine('keep-alive', { after: mark });
    assert.ok(
      !radio.lines.some((line) => /^(broken|died|reconnected)/.test(line)),
      'the same connection all the time',
    );
  });

  it('a hub that was frozen for longer than a device waits goes on with it afterwards', async (t) => {
    // Both sides with a fifth of their time, so that the whole fits into a few seconds.
    const settings = {
      RECADO_GATEWAYS_SOCKET_KEEP_ALIVE_MS: '600',
      RECADO_GATEWAYS_SOCKET_KEEP_ALIVE_TIMEOUT_MS: '1000',
    };
    const hub = await startHubProcess(await findFreePorts(), { settings });
    t.after(() => hub.stop());
    const { program: radio } = await connectSeedDevice('radio', hub.ports, {
      address: '127.0.0.32',
      args: ['--timeout', '1', '--retry', '0.4'],
    });
    t.after(() => radio.stop());
    await radio.waitForLine('keep-alive');
    hub.program.signal('SIGSTOP');
    await radio.waitForLine(/^silence /);
    await radio.waitForLine(/^retry /); // Its check had no answer either.
    const mark = radio.mark();
    hub.program.signal('SIGCONT');
    await radio.waitForLine(/^(resumed|reconnected)$/, { after: mark });
    await until('it obeys again', async () => {
      const ids = await listIds(hub);
      const { body } = await call(hub, 'POST', `/devices/${ids[0]}/commands/4`);
      return ids.length === 1 && JSON.stringify(body) === '{"Resposta":"Nenhuma música foi selecionada"}';
    });
    assert.ok(!radio.lines.some((line) => line.startsWith('died')));
  });

  it('devices that share an address have ids of their own, and each gets its own commands', async (t) => {
    const hub = await startHubProcess(await findFreePorts());
    t.after(() => hub.stop());
    const at = { address: '127.0.0.21' };
    const { program: radio, id: radioId } = await connectSeedDevice('radio', hub.ports, at);
    t.after(() => radio.stop());
    const { program: sensor, id: sensorId } = await connectSeedDevice('sensor', hub.ports, {
      ...at,
      args: ['--on', '--temperature', '25'],
    });
    t.after(() => sensor.stop());
    assert.deepEqual([radioId, sensorId], ['DE21', 'DE21-2']);
    await until('both are listed', async () => (await listIds(hub)).length === 2);
    // Only one of them has readings, so the datagrams of their address are that one's.
    assert.deepEqual((await call(hub, 'GET', '/devices/DE21-2/commands/3')).body, {
      Resposta: { Temperatura: '25°C' },
    });

    // By now the hub has heard no other port for some time: this one is the sensor's for good.
    const datagrams = (): number => sensor.lines.filter((line) => line.startsWith('datagram ')).length;
    await until('five datagrams', () => datagrams() >= 5);
    const { program: other, id: otherId } = await connectSeedDevice('sensor', hub.ports, {
      ...at,
      args: ['--temperature', '30'],
    });
    t.after(() => other.stop());
    assert.equal(otherId, 'DE21-3');
    await until('all three are listed', async () => (await listIds(hub)).join() === 'DE21,DE21-2,DE21-3');
    assert.deepEqual((await call(hub, 'POST', '/devices/DE21-2/commands/2')).body, {
      Resposta: 'Dispositivo desligado',
    });
    assert.deepEqual((await call(hub, 'POST', '/devices/DE21-3/commands/1')).body, {
      Resposta: 'Dispositivo ligado',
    });
    await sensor.waitForLine(/^request .*2/);
    await other.waitForLine(/^request .*1/);
    // One port is known; the other has been the only unknown one for some time: it is the new one's.
    const read = async (id: string): Promise<unknown> =>
      (await call(hub, 'GET', `/devices/${id}/commands/3`)).body;
    const isRead = async (): Promise<boolean> =>
      JSON.stringify(await read('DE21-3')) === '{"Resposta":{"Temperatura":"30°C"}}';
    await until('the new one is told apart', isRead);
    assert.deepEqual(await read('DE21-2'), { Resposta: OFF });
    for (const program of [radio, sensor, other]) assertUndisturbed(program);
  });

  it('a reading that may be of either of two sensors is given to neither', async (t) => {
    const hub = await startHubProcess(await findFreePorts());
    t.after(() => hub.stop());
    const sensors: ChildProgram[] = [];
    for (const id of ['DE22', 'DE22-2']) {
      const device = await connectSeedDevice('sensor', hub.ports, { address: '127.0.0.22', args: ['--on'] });
      t.after(() => device.program.stop());
      assert.equal(device.id, id);
      sensors.push(device.program);
    }
    await until('both are listed', async () => (await listIds(hub)).length === 2);
    for (const [index, sensor] of sensors.entries()) sensor.say(`temperature ${20 + index}`);
    for (const sensor of sensors) await sensor.waitForLine(/^datagram /);
    // Nothing in a datagram says whose it is: no answer is better than the other one's.
    const answers = await Promise.all(
      ['DE22', 'DE22-2'].map(async (id) => (await call(hub, 'GET', `/devices/${id}/commands/3`)).body),
    );
    assert.deepEqual(answers, [{ Resposta: NO_DATA }, { Resposta: NO_DATA }]);
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    assert.match(metrics, /^recado_socket_datagrams_dropped\S*ambiguous\S* [1-9]/m);
    for (const sensor of sensors) assertUndisturbed(sensor);
  });
});

import { Accounts } from '../../src/accounts/accounts.ts';
import type { TestContext } from 'node:test';
import { Ledger } from '../../src/base/ledger.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { DeviceRegistry } from '../../src/devices/device-registry.ts';
import type { Gateway, ListeningAddress } from '../../src/gateways/gateway.ts';
import { SocketGateway } from '../../src/gateways/socket/socket-gateway.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { datagramSender, RADIO_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';
import { describeGateway, type RigDevice } from './gateway.ts';

function make(registry: DeviceRegistry): Gateway {
  const options = { ...defaultConfig().gateways.socket, tcpPort: 0, udpPort: 0 };
  const accounts = new Accounts({ log: silentLogger });
  return new SocketGateway(options, { registry, accounts, log: silentLogger, ledger: new Ledger() });
}

function portOf(listening: readonly ListeningAddress[], name: string): number {
  return Number(new URL(listening.find((each) => each.name === name)?.address ?? '').port);
}

/** A plain device is known by its address. */
async function connectPlain(
  t: TestContext,
  listening: readonly ListeningAddress[],
  number: number,
): Promise<RigDevice> {
  const address = `127.0.0.${number}`;
  const wire = await WireDevice.connect(t, portOf(listening, 'socket-tcp'), address);
  const id = await wire.handshake(RADIO_DESCRIPTION);
  const send = await datagramSender(t, portOf(listening, 'socket-udp'), { address });
  return {
    id,
    report: (metric, value) => send(JSON.stringify({ Válido: true, [metric]: value })),
    leave: () => void wire.socket.destroy(),
    dropped: () => wire.closed(),
    nextCommand: async () => {
      const { Entrada: input } = await wire.nextObject();
      return {
        input,
        answer: (output) => wire.send(JSON.stringify({ Resposta: output })),
        refuse: () => wire.send(JSON.stringify({ Erro: 'quebrado' })),
      };
    },
  };
}

const FRAMED_DESCRIPTION = {
  commands: {
    ligar: { title: 'Ligar', kind: 'action' },
    'setar-musica': { title: 'Setar música', kind: 'write', input: { type: 'string' } },
  },
};

async function connectFramed(
  t: TestContext,
  listening: readonly ListeningAddress[],
  number: number,
): Promise<RigDevice> {
  const wire = await WireDevice.connect(t, portOf(listening, 'socket-tcp'));
  const id = `greenhouse-${number}`;
  const say = (message: object): void => wire.send(`${JSON.stringify(message)}\n`);
  say({ recado: 2, id, description: FRAMED_DESCRIPTION });
  await wire.nextObject();
  return {
    id,
    report: async (metric, value) => say({ telemetry: { [metric]: value } }),
    leave: () => void wire.socket.destroy(),
    dropped: () => wire.closed(),
    nextCommand: async () => {
      let command = await wire.nextObject();
      while (command['cmd'] === undefined) command = await wire.nextObject();
      const re = command['cmd'];
      return {
        input: command['input'],
        answer: (output) => say({ re, output }),
        refuse: () => say({ re, error: { code: 'TANK_EMPTY', message: 'no water' } }),
      };
    },
  };
}

const commands = { withoutInput: 'ligar', withInput: 'setar-musica' };

describeGateway('the socket gateway and plain devices', {
  make,
  connect: connectPlain,
  commands,
  refusalCode: 'BAD_ANSWER',
});
describeGateway('the socket gateway and framed devices', {
  make,
  connect: connectFramed,
  commands,
  refusalCode: 'DEVICE_ERROR',
});

import type { Language } from '../language.ts';
import type { ConnectionReason, PlayerResult, PowerResult } from './simulated-device.ts';

/** Everything that the screen of a virtual device says. */
export type Messages = {
  readonly titles: Readonly<Record<'sensor' | 'radio', string>>;
  readonly prompt: string;
  readonly choices: Readonly<
    Record<
      | 'connect'
      | 'disconnect'
      | 'turnOn'
      | 'turnOff'
      | 'showData'
      | 'setTemperature'
      | 'setSong'
      | 'play'
      | 'pause'
      | 'quit',
      string
    >
  >;
  readonly askServer: (usual: string) => string;
  readonly askTemperature: string;
  readonly askSong: string;
  readonly welcome: string;
  readonly invalidChoice: string;
  readonly invalidAddress: (text: string) => string;
  readonly alreadyConnected: (server: string) => string;
  readonly connecting: (server: string) => string;
  readonly connected: (server: string, id: string) => string;
  readonly disconnected: string;
  readonly notConnected: string;
  readonly givenUp: string;
  readonly temperatureSet: (temperature: number) => string;
  readonly temperatureInvalid: string;
  readonly songSet: string;
  readonly songEmpty: string;
  readonly power: Readonly<Record<PowerResult, string>>;
  readonly player: Readonly<Record<PlayerResult, string>>;
  readonly status: Readonly<Record<'online' | 'connecting' | 'waiting' | 'offline', string>>;
  readonly at: (id: string, server: string) => string;
  readonly retryIn: (seconds: string) => string;
  readonly reasons: Readonly<Record<ConnectionReason, string>>;
  readonly data: Readonly<
    Record<'id' | 'lastId' | 'status' | 'temperature' | 'song' | 'songStatus' | 'server', string>
  >;
  readonly on: string;
  readonly off: string;
  readonly playing: string;
  readonly paused: string;
  readonly none: string;
};

const ENGLISH: Messages = {
  titles: { sensor: 'Temperature sensor (virtual device)', radio: 'Internet radio (virtual device)' },
  prompt: 'Press a number:',
  choices: {
    connect: 'Connect to a server',
    disconnect: 'Disconnect',
    turnOn: 'Turn on',
    turnOff: 'Turn off',
    showData: 'Show data',
    setTemperature: 'Set the temperature',
    setSong: 'Set the song',
    play: 'Play',
    pause: 'Pause',
    quit: 'Quit',
  },
  askServer: (usual) => `Server, host or host:port (Enter: ${usual}):`,
  askTemperature: 'Temperature in °C, a whole number from -49 to 299:',
  askSong: 'Name of the song:',
  welcome: 'Choose 1 to connect this device to a server.',
  invalidChoice: 'There is no such option: press one of the numbers of the menu.',
  invalidAddress: (text) => `"${text}" is no address. Write host or host:port, such as 192.168.0.10:5050.`,
  alreadyConnected: (server) => `Already connected to ${server}. Disconnect first.`,
  connecting: (server) => `Connecting to ${server}…`,
  connected: (server, id) => `Connected to ${server}, as ${id}.`,
  disconnected: 'Disconnected.',
  notConnected: 'No server is connected.',
  givenUp: 'Nothing was changed.',
  temperatureSet: (temperature) => `The temperature is ${temperature}°C now.`,
  temperatureInvalid: 'That is no temperature of this sensor: it needs a whole number from -49 to 299.',
  songSet: 'The song is set.',
  songEmpty: 'The name of the song is empty.',
  power: {
    'turned-on': 'The device is on now.',
    'already-on': 'The device is on already.',
    'turned-off': 'The device is off now.',
    'already-off': 'The device is off already.',
  },
  player: {
    playing: 'The song is playing now.',
    'already-playing': 'The song is playing already.',
    paused: 'The song is paused now.',
    'already-paused': 'The song is paused already.',
    'no-song': 'No song is set yet.',
    'radio-off': 'The radio is off: turn it on first.',
  },
  status: { online: 'Connected', connecting: 'Connecting', waiting: 'Waiting', offline: 'Not connected' },
  at: (id, server) => `${id} at ${server}`,
  retryIn: (seconds) => `next try in ${seconds} s`,
  reasons: {
    'not-started': '',
    stopped: '',
    starting: '',
    accepted: '',
    'hub-not-listening': 'Nothing listens there: is the server running?',
    'hub-unknown': 'There is no machine of that name.',
    'hub-unreachable': 'The machine does not answer: check address and network.',
    'connect-failed': 'No connection could be made.',
    'connection-lost': 'The connection broke.',
    'hub-silent': 'The server is silent: asking whether we are still connected.',
    refused: 'The server refuses this device',
    'taken-over': 'Another device has connected with this id.',
    'protocol-error': 'The server speaks another protocol.',
    'no-id':
      "The server closed the connection without giving an id: is this machine in the hub's trustedNetworks?",
  },
  data: {
    id: 'ID',
    lastId: 'Last ID',
    status: 'Status',
    temperature: 'Temperature',
    song: 'Song',
    songStatus: 'Song status',
    server: 'Server',
  },
  on: 'On',
  off: 'Off',
  playing: 'Playing',
  paused: 'Paused',
  none: '-----',
};

const PORTUGUESE: Messages = {
  titles: {
    sensor: 'Sensor de temperatura (dispositivo virtual)',
    radio: 'Aparelho de som via internet (dispositivo virtual)',
  },
  prompt: 'Tecle um número:',
  choices: {
    connect: 'Conectar a um servidor',
    disconnect: 'Desconectar',
    turnOn: 'Ligar',
    turnOff: 'Desligar',
    showData: 'Consultar dados',
    setTemperature: 'Definir a temperatura',
    setSong: 'Definir a música',
    play: 'Tocar',
    pause: 'Pausar',
    quit: 'Sair',
  },
  askServer: (usual) => `Servidor, host ou host:porta (Enter: ${usual}):`,
  askTemperature: 'Temperatura em °C, um número inteiro de -49 a 299:',
  askSong: 'Nome da música:',
  welcome: 'Escolha 1 para conectar este dispositivo a um servidor.',
  invalidChoice: 'Essa opção não existe: tecle um dos números do menu.',
  invalidAddress: (text) =>
    `"${text}" não é um endereço. Escreva host ou host:porta, como 192.168.0.10:5050.`,
  alreadyConnected: (server) => `Já conectado a ${server}. Desconecte primeiro.`,
  connecting: (server) => `Conectando a ${server}…`,
  connected: (server, id) => `Conectado a ${server}, como ${id}.`,
  disconnected: 'Conexão encerrada.',
  notConnected: 'Não há um servidor conectado.',
  givenUp: 'Nada foi alterado.',
  temperatureSet: (temperature) => `A temperatura agora é ${temperature}°C.`,
  temperatureInvalid:
    'Essa temperatura não serve para este sensor: é preciso um número inteiro de -49 a 299.',
  songSet: 'Música selecionada.',
  songEmpty: 'O nome da música está vazio.',
  power: {
    'turned-on': 'Dispositivo ligado.',
    'already-on': 'Dispositivo já está ligado.',
    'turned-off': 'Dispositivo desligado.',
    'already-off': 'Dispositivo já está desligado.',
  },
  player: {
    playing: 'A música foi colocada para tocar.',
    'already-playing': 'A música já está tocando.',
    paused: 'A música foi pausada.',
    'already-paused': 'A música já está pausada.',
    'no-song': 'Nenhuma música foi selecionada.',
    'radio-off': 'Aparelho desligado: ligue-o primeiro.',
  },
  status: { online: 'Conectado', connecting: 'Conectando', waiting: 'Aguardando', offline: 'Desconectado' },
  at: (id, server) => `${id} em ${server}`,
  retryIn: (seconds) => `nova tentativa em ${seconds} s`,
  reasons: {
    'not-started': '',
    stopped: '',
    starting: '',
    accepted: '',
    'hub-not-listening': 'Nenhum programa escuta nesse endereço: o servidor está em execução?',
    'hub-unknown': 'Não existe máquina com esse nome.',
    'hub-unreachable': 'A máquina não responde: confira o endereço e a rede.',
    'connect-failed': 'Não foi possível conectar.',
    'connection-lost': 'A conexão caiu.',
    'hub-silent': 'O servidor está em silêncio: perguntando se a conexão ainda vale.',
    refused: 'O servidor recusa este dispositivo',
    'taken-over': 'Outro dispositivo se conectou com este ID.',
    'protocol-error': 'O servidor fala outro protocolo.',
    'no-id': 'O servidor encerrou a conexão sem dar um id: esta máquina está nas trustedNetworks do hub?',
  },
  data: {
    id: 'ID',
    lastId: 'Último ID',
    status: 'Status',
    temperature: 'Temperatura',
    song: 'Música atual',
    songStatus: 'Status da música',
    server: 'Servidor',
  },
  on: 'Ligado',
  off: 'Desligado',
  playing: 'Tocando',
  paused: 'Pausada',
  none: '-----',
};

export const MESSAGES: Readonly<Record<Language, Messages>> = { en: ENGLISH, 'pt-BR': PORTUGUESE };

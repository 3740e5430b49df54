/** What virtual devices of version 2 describe themselves in; those of version 1 have words of their own. */
export type SimulatorLanguage = 'en' | 'pt-BR';

const ENGLISH = {
  sensor: 'Temperature sensor',
  radio: 'Internet radio',
  temperature: 'Temperature',
  on: 'Turned on',
  switched: 'Was turned on or off',
  songChanged: 'The song changed, or whether it plays',
  turnOn: 'Turn on',
  turnOff: 'Turn off',
  setSong: 'Set song',
  song: 'Song',
  play: 'Play',
  pause: 'Pause',
  noSong: 'Choose a song first: invoke setSong.',
  emptySong: 'The name of the song is empty.',
  radioOff: 'The radio is off: invoke turnOn first.',
};

type FramedWords = Readonly<typeof ENGLISH>;

const PORTUGUESE: FramedWords = {
  sensor: 'Sensor de temperatura',
  radio: 'Rádio via internet',
  temperature: 'Temperatura',
  on: 'Ligado',
  switched: 'Foi ligado ou desligado',
  songChanged: 'A música mudou, ou se ela toca',
  turnOn: 'Ligar',
  turnOff: 'Desligar',
  setSong: 'Escolher música',
  song: 'Música',
  play: 'Tocar',
  pause: 'Pausar',
  noSong: 'Escolha uma música primeiro: invoque setSong.',
  emptySong: 'O nome da música está vazio.',
  radioOff: 'O rádio está desligado: invoque turnOn primeiro.',
};

export function framedWords(language: SimulatorLanguage = 'en'): FramedWords {
  return language === 'pt-BR' ? PORTUGUESE : ENGLISH;
}

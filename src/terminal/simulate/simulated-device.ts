export type SimulatedConnectionState = {
  readonly status: 'offline' | 'connecting' | 'online' | 'waiting';
  /** Why: the words for it are in the catalogue, where it needs any. */
  readonly reason: string;
  /** The reason in English, with details that the code does not tell. */
  readonly message: string;
  readonly retryInMs: number;
};

type PowerResult = 'turned-on' | 'already-on' | 'turned-off' | 'already-off';
type PlayerResult = 'playing' | 'already-playing' | 'paused' | 'already-paused' | 'no-song' | 'radio-off';

/** What the screen of a virtual device needs of any device. */
type SimulatedConnection = {
  /** Undefined before the hub gave one. */
  readonly id: string | undefined;
  readonly state: SimulatedConnectionState;
  /** `host:port` of the hub. */
  readonly server: string;
  /** False when `address` is no address. */
  connect(address?: string): boolean;
  disconnect(): Promise<void>;
  /** Calls after each change; returns what ends that. */
  watch(watcher: () => void): () => void;
  readonly isOn: boolean;
  turnOn(): PowerResult;
  turnOff(): PowerResult;
};

export type SimulatedSensor = SimulatedConnection & {
  readonly kind: 'sensor';
  /** In °C. */
  readonly temperature: number | undefined;
  /** False when it is no whole number from −49 to 299. */
  setTemperature(value: number): boolean;
};

export type SimulatedRadio = SimulatedConnection & {
  readonly kind: 'radio';
  readonly song: string | undefined;
  readonly isPlaying: boolean;
  /** False when the name is empty. */
  setSong(song: string): boolean;
  play(): PlayerResult;
  pause(): PlayerResult;
};

export type SimulatedDevice = SimulatedSensor | SimulatedRadio;

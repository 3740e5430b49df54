import { Broker, listenTcp, type BrokerOptions } from '../../src/mqtt/index.ts';

/** A broker of this process that listens on a port of 127.0.0.1. */
export type BrokerOnTcp = {
  readonly broker: Broker;
  readonly port: number;
  readonly url: string;
  readonly close: () => Promise<void>;
};

/** Starts a broker on a port that the system chooses, or on this one. */
export async function openBrokerOnTcp(options: BrokerOptions = {}, port = 0): Promise<BrokerOnTcp> {
  const broker = new Broker(options);
  await broker.start();
  const listener = await listenTcp(broker, { port, host: '127.0.0.1' });
  const close = async (): Promise<void> => {
    // The broker first: it ends the connections that the listener waits for.
    await broker.close();
    await listener.close();
  };
  return { broker, port: listener.port, url: `mqtt://127.0.0.1:${listener.port}`, close };
}

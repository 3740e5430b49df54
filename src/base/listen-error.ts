import { RecadoError } from './errors.ts';

/** A listener that could not begin, and where it is configured. */
type ListenPlace = {
  readonly kind: 'TCP' | 'UDP';
  readonly host: string;
  readonly port: number;
  /** `--tcp-port` */
  readonly portFlag: string;
  /** `gateways.socket.tcpPort` */
  readonly portKey: string;
  readonly hostKey: string;
};

/** Turns the system's word for a failed listen into a sentence that says what to change; also one that came in ours. */
export function listenError(error: unknown, place: ListenPlace): RecadoError {
  if (error instanceof RecadoError)
    return error.code === 'CONFIG_INVALID' ? error : listenError(error.cause, place);
  const code = (error as NodeJS.ErrnoException).code;
  const where = `${place.kind} port ${place.port} on ${place.host}`;
  if (code === 'EADDRINUSE') {
    const instead = `Choose another with ${place.portFlag}, or ${place.portKey} in the configuration.`;
    return new RecadoError('PORT_IN_USE', `${where} is in use by another program. ${instead}`, {
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new RecadoError(
    'LISTEN_FAILED',
    `The hub cannot listen on ${where}: ${reason}. ${remedy(code, place)}`,
    {
      cause: error,
    },
  );
}

function remedy(code: string | undefined, place: ListenPlace): string {
  if (code === 'EACCES')
    return `Ports below 1024 need privileges: choose another with ${place.portFlag}, or ${place.portKey}.`;
  return `It must be an address of this machine: choose another with --host, or ${place.hostKey} in the configuration.`;
}

/** Why a connection did not get as far as the acceptor. */
export type RefusalReason =
  /** The system could not hand it over; mostly no file descriptors were left. */
  | 'accept-failed'
  /** HTTP only; the broker counts its own. There were as many as there may be. */
  | 'too-many-connections'
  /** HTTP only: as many from its address. */
  | 'too-many-from-address'
  /** There were `maxHandshakes`, most of them from its address, and it was the oldest of these. */
  | 'too-many-handshakes'
  /** TLS keeps as much for its address, or for all, as it may. */
  | 'no-room'
  /** PROXY header, TLS and HTTP upgrade together took longer than `handshakeTimeoutMs`. */
  | 'handshake-timeout'
  /** The peer went away in the middle, or never asked for an upgrade. */
  | 'handshake-unfinished'
  /** A PROXY header is expected, and this address is not one of `trustedNetworks`. */
  | 'proxy-untrusted'
  /** No PROXY header, or one that breaks the rules. */
  | 'proxy-header-invalid'
  | 'tls-failed'
  /** A client certificate is required, and there was none that a trusted authority signed. */
  | 'certificate-refused'
  | 'upgrade-invalid'
  /** The client does not offer the WebSocket subprotocol `mqtt`. */
  | 'subprotocol-unsupported'
  /** A web page from elsewhere; see `allowedOrigins`. */
  | 'origin-forbidden';

/** Told of each refused connection; for logs and rate limits. */
export type OnRefused = (reason: RefusalReason, address: string, error?: Error) => void;

/** Connections that were refused since the listener opened, by reason. */
export type RefusalCounts = Readonly<Record<RefusalReason, number>>;

/** Counts refused connections and tells of them. */
export class Refusals {
  readonly #onRefused: OnRefused | undefined;
  readonly #counts: Record<RefusalReason, number> = {
    'accept-failed': 0,
    'too-many-connections': 0,
    'too-many-from-address': 0,
    'too-many-handshakes': 0,
    'no-room': 0,
    'handshake-timeout': 0,
    'handshake-unfinished': 0,
    'proxy-untrusted': 0,
    'proxy-header-invalid': 0,
    'tls-failed': 0,
    'certificate-refused': 0,
    'upgrade-invalid': 0,
    'subprotocol-unsupported': 0,
    'origin-forbidden': 0,
  };

  constructor(onRefused?: OnRefused) {
    this.#onRefused = onRefused;
  }

  get counts(): RefusalCounts {
    return this.#counts;
  }

  tell(reason: RefusalReason, address: string, error?: Error): void {
    this.#counts[reason]++;
    this.#onRefused?.(reason, address, error);
  }
}

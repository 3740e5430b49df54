/** Everything the socket gateway counts. Plain numbers: counting costs nanoseconds. */
export class SocketCounters {
  connectionsAccepted = 0;
  connectionsOpen = 0;
  /** Before anything was read of them: no file descriptor was left, or TLS failed. */
  connectionsRefusedEarly = 0;
  connectionsRefusedLimit = 0;
  connectionsRefusedPerAddress = 0;
  connectionsRefusedUntrusted = 0;
  /** Closed for a newcomer, because its address had most. */
  connectionsYielded = 0;
  handshakesFailed = 0;
  handshakeTimeouts = 0;
  messageTimeouts = 0;
  messagesTooLarge = 0;
  messagesInvalid = 0;
  messagesUnasked = 0;
  keepAlivesSent = 0;
  keepAliveTimeouts = 0;
  answerTimeouts = 0;
  checksAnswered = 0;
  outboxFull = 0;
  datagramWaitersRefused = 0;
  datagramsReceived = 0;
  datagramsTaken = 0;
  datagramsDroppedUnknownAddress = 0;
  datagramsDroppedAmbiguous = 0;
  datagramsDroppedInvalid = 0;
  datagramsDroppedForged = 0;
  datagramsDroppedReplayed = 0;
  datagramsLost = 0;
  eventsTaken = 0;
  eventsRefused = 0;
  readingsRefused = 0;
  readingTimesInvalid = 0;
}

/** Everything the MQTT gateway counts. */
export class MqttGatewayCounters {
  descriptionsTaken = 0;
  /** Said again as they were before: they cost nothing. */
  descriptionsUnchanged = 0;
  descriptionsRefused = 0;
  /** Of a connection that another one of the device has followed. */
  presencesStale = 0;
  presencesInvalid = 0;
  /** Clients that took a device from another one that was still there. */
  takeovers = 0;
  /** On topics that the protocol does not know, or of devices that have not described themselves. */
  messagesUnknown = 0;
  messagesInvalid = 0;
  messagesTooLarge = 0;
  commandsSent = 0;
  /** Nobody was there who had subscribed to it. */
  commandsUnheard = 0;
  answersTaken = 0;
  /** To commands that the hub has not sent, or has forgotten. */
  answersUnasked = 0;
  cancelsSent = 0;
  telemetryTaken = 0;
  readingsRefused = 0;
  readingTimesInvalid = 0;
  eventsTaken = 0;
  eventsRefused = 0;
}

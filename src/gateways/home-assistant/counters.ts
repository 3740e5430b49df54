/** What is counted of devices that only have topics, whoever describes them. */
export class TopicDeviceCounters {
  statesTaken = 0;
  messagesTooLarge = 0;
  readingsTaken = 0;
  /** A template raised, or its text is none of what the component can show: the old value stays. */
  readingsRefused = 0;
  eventsTaken = 0;
  eventsRefused = 0;
  commandsSent = 0;
  /** Nobody was there who had subscribed to them. */
  commandsUnheard = 0;
  effectsSeen = 0;
  effectsUnseen = 0;
}

/** Everything the gateway for Home Assistant's discovery counts. */
export class HomeAssistantCounters extends TopicDeviceCounters {
  configsTaken = 0;
  /** Said again as they were before: they cost nothing. */
  configsUnchanged = 0;
  /** Not JSON, or without what every config has; what was known before stays. */
  configsInvalid = 0;
  configsRemoved = 0;
  /** There was no room for them. */
  configsRefused = 0;
  /** Of devices that others describe, who have not let their publishers do so. */
  configsDenied = 0;
  /** Of kinds that are not known, or broken; the other components of their devices are not worse for it. */
  componentsRefused = 0;
  /** Nothing described them any more when the hub had started. */
  devicesGone = 0;
}

import { bytes, count, ms } from '../../config/leaf.ts';
import { Type, type DeepReadonly, type Static } from '../../config/type.ts';

const TOPIC = {
  pattern: '^([^$/#+\\s]([^#+\\s]*[^/#+\\s])?)?$',
  maxLength: 200,
};

/** What the gateway for Home Assistant's discovery can be told: the section `gateways.homeAssistant`. */
export const HOME_ASSISTANT_OPTIONS = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        "Whether devices that announce themselves by Home Assistant's MQTT discovery, or Tasmota's, are devices of the hub.",
    }),
    prefix: Type.String({
      pattern: '^[^$/#+\\s]([^#+\\s]*[^/#+\\s])?$',
      maxLength: 200,
      expected: 'a topic without + and #, as homeassistant',
      default: 'homeassistant',
      description: 'The topics of configs begin with it: `homeassistant/…/config`.',
    }),
    birthTopic: Type.String({
      ...TOPIC,
      expected: 'a topic without + and #, as homeassistant/status, or empty',
      default: 'homeassistant/status',
      description:
        'Where the hub says `online` when it listens, so that devices which do not retain their configs send them; empty: it says nothing.',
    }),
    publish: Type.Boolean({
      default: false,
      description:
        'Whether Home Assistant is told of the other devices of the hub, so that it shows and commands them; `gateways.mqtt.export` is on then too.',
    }),
    settleMs: ms({
      default: 10_000,
      description:
        'How long after the start no config may come any more, until devices that were known and that nothing describes are forgotten; and how long after something has become free configs are asked for again for which there was no room.',
    }),
    maxConfigs: count({
      default: 50_000,
      description: 'Most configs that are kept; those beyond are left out and counted.',
    }),
    maxMessageBytes: bytes({
      default: 262_144,
      description:
        'Largest config, and largest message on a topic of a device; larger ones are left out and counted.',
    }),
  },
  { additionalProperties: false, description: "The gateway for devices of Home Assistant's MQTT discovery." },
);

/** What the gateway can be told, every key present and checked. */
export type HomeAssistantOptions = DeepReadonly<Static<typeof HOME_ASSISTANT_OPTIONS>>;

import { bytes, count } from '../../config/leaf.ts';
import { readNamedDevices, type NamedDevice } from '../mqtt-topics/named-device.ts';
import { Type, type DeepReadonly, type Static } from '../../config/type.ts';

/** What the MQTT gateway can be told: the section `gateways.mqtt` of a configuration. */
export const MQTT_GATEWAY_OPTIONS = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: 'Whether devices may come over MQTT, by the broker that the hub uses.',
    }),
    prefix: Type.String({
      pattern: '^[^$/#+\\s]([^#+\\s]*[^/#+\\s])?$',
      maxLength: 200,
      expected: 'a topic without + and #, as recado',
      default: 'recado',
      description: 'The topics of devices begin with it: `recado/devices/…`; devices must be told the same.',
    }),
    hubId: Type.String({
      pattern: '^[A-Za-z0-9._:-]{0,64}$',
      maxLength: 64,
      expected: 'an id of A-Z a-z 0-9 . _ : -, or empty',
      default: '',
      description:
        'The name of this hub among those at one broker, in `recado/hubs/…`; empty is the name of the machine.',
    }),
    hubUrl: Type.String({
      pattern: '^(https?://[^\\s/]\\S*)?$',
      maxLength: 512,
      expected: 'an address as http://hub.local:5070, or empty',
      default: '',
      description:
        'Where people and programs reach this hub: told in `recado/hubs/…`, and to Home Assistant with each device; empty: nobody is told.',
    }),
    export: Type.Boolean({
      default: false,
      description:
        'Whether the devices of other gateways are shown under these topics too, and take commands there, for Node-RED and other hubs.',
    }),
    devices: Type.Unsafe<readonly NamedDevice[]>({
      default: [],
      read: readNamedDevices,
      expected: 'a list of devices, each with an id',
      description:
        'Devices that only have topics and do not describe themselves: [mqtt-devices.md](protocols/mqtt-devices.md#topics-named-by-hand). In the variable as JSON.',
    }),
    maxInFlightInvocations: count({
      default: 256,
      description: 'Most commands at once in one device; an eighth is kept for callers that have none.',
    }),
    maxMessageBytes: bytes({
      default: 262_144,
      description: 'Largest description, telemetry, event or answer of a device.',
    }),
    maxNestingDepth: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 32,
      description: 'Deepest nesting of lists and objects in a message.',
    }),
  },
  { additionalProperties: false, description: 'The gateway for devices that speak MQTT.' },
);

/** What the MQTT gateway can be told, every key present and checked. */
export type MqttGatewayOptions = DeepReadonly<Static<typeof MQTT_GATEWAY_OPTIONS>>;

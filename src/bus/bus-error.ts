/** What is thrown when the broker, or the way to it, does not do what was asked. */
export { MqttClientError as BusError } from '../mqtt/client/client-error.ts';

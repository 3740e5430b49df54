import type { ReceivedMessage } from '../../mqtt/client/message.ts';

/** What of a message can be printed. */
export type PrintableMessage = Pick<
  ReceivedMessage,
  'topicName' | 'qos' | 'retain' | 'packetId' | 'properties'
> & { readonly payload: Uint8Array } & Partial<
    Pick<ReceivedMessage, 'subscriptionIdentifiers' | 'topicAlias'>
  >;

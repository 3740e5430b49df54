import type { BusMessage } from '../../bus/bus.ts';
import { cancelRequest } from '../wire/cancel-message.ts';
import { requestProperties } from '../wire/request-message.ts';
import type { Addressing } from './answer-topic.ts';
import type { CorrelationParts } from './correlation.ts';

/** Response Topic and Correlation Data (MQTT 5.0 section 4.10): one topic for all answers, any number in flight. */
export function byData({ bus, clock }: CorrelationParts, responseTopic: string): Addressing {
  return {
    topicFilter: responseTopic,
    idOf: readId,
    messageOf: (request) => {
      const { topicName, payload, qos } = request.fields;
      const own = { responseTopic, correlationData: Buffer.from(request.id, 'latin1') };
      return { topicName, payload, qos, properties: requestProperties(request, clock.monotonic(), own) };
    },
    cancellationOf: ({ id, fields }) =>
      bus.protocolVersion === 5
        ? cancelRequest(fields.topicName, { answerTo: responseTopic, id })
        : undefined,
  };
}

function readId({ properties: { correlationData } }: BusMessage): string {
  if (correlationData === undefined) return '';
  const { buffer, byteOffset, byteLength } = correlationData;
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

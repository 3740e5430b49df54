"""API 1 of the second seed: GET /ping asks over MQTT, and waits 3 s for the answer.

It has one place for an answer: two callers at once would get each other's.
"""

import json
import sys
import threading

sys.dont_write_bytecode = True

from connection import Routes, make_client, option_parser, say, serve  # noqa: E402

REQUEST_TOPIC = 'api/ping/request'
RESPONSE_TOPIC = 'api/ping/response'
TIMEOUT_S = 3

client = make_client()
answered = threading.Event()
answer = {}


def on_connect(client, userdata, flags, reason_code, properties=None):
    say(f'Connected with reason code {0 if str(reason_code) == "Success" else reason_code}')
    client.subscribe(RESPONSE_TOPIC)


def on_subscribe(client, *arguments):
    say('Subscribed')


def on_message(client, userdata, message):
    text = message.payload.decode()
    say(f'Topic: {message.topic}, Message: {text}')
    try:
        answer['value'] = json.loads(text)
    except ValueError:
        answer['value'] = {'raw': text}
    answered.set()


class Api(Routes):
    def get(self, path):
        if path != '/ping':
            return 404, {'error': 'not found'}
        answered.clear()
        client.publish(REQUEST_TOPIC, json.dumps({'ask': 'ping'}))
        if not answered.wait(TIMEOUT_S):
            return 504, {'error': 'timeout waiting MQTT response'}
        return 200, {'response': answer['value']}

    def post(self, path, body):
        return 404, {'error': 'not found'}


def main():
    parser = option_parser('API 1: HTTP to MQTT.')
    parser.add_argument('--port', type=int, default=5000)
    options = parser.parse_args()
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect(options.broker_host, options.broker_port)
    client.loop_start()
    serve(options.port, Api)


if __name__ == '__main__':
    main()

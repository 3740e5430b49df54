"""The agent of the second seed: questions on a topic become POST requests, and their answers answers.

It answers on one topic, whoever asked, and echoes no id.
"""

import json
import sys
import urllib.error
import urllib.request

sys.dont_write_bytecode = True

from connection import make_client, option_parser, say  # noqa: E402

REQUEST_TOPIC = 'api/ping/request'
RESPONSE_TOPIC = 'api/ping/response'
TIMEOUT_S = 5


def call(url, payload):
    """What `requests.post(url, json=payload)` gives, without that package."""
    data = json.dumps(payload).encode()
    request = urllib.request.Request(url, data, {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask(url, payload):
    try:
        status, text = call(url, payload)
    except OSError as error:
        return {'error': str(error)}
    try:
        answer = json.loads(text)
    except ValueError:
        return {'status_code': status, 'text': text}
    answer['received'] = payload
    return answer


def main():
    parser = option_parser('Agent: MQTT to HTTP.')
    parser.add_argument('--url', default='http://localhost:5001/ping')
    options = parser.parse_args()

    def on_connect(client, userdata, flags, reason_code, properties=None):
        say(f'Connected with reason code {0 if str(reason_code) == "Success" else reason_code}')
        client.subscribe(REQUEST_TOPIC)

    def on_subscribe(client, *arguments):
        say('Subscribed')

    def on_message(client, userdata, message):
        text = message.payload.decode()
        try:
            payload = json.loads(text)
        except ValueError:
            payload = {'raw': text}
        response = json.dumps(ask(options.url, payload))
        client.publish(RESPONSE_TOPIC, response)
        say(f'request: {json.dumps(payload)} -> response: {response}')

    client = make_client()
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect(options.broker_host, options.broker_port)
    client.loop_forever()


if __name__ == '__main__':
    main()

"""Client A of the second seed: prints what comes on my/topic."""

import sys

sys.dont_write_bytecode = True

from connection import make_client, option_parser, say  # noqa: E402

TOPIC = 'my/topic'


def main():
    options = option_parser('Client A: subscriber.').parse_args()

    def on_connect(client, userdata, flags, reason_code, properties=None):
        say(f'Connected with reason code {0 if str(reason_code) == "Success" else reason_code}')
        client.subscribe(TOPIC)

    def on_subscribe(client, *arguments):
        say('Subscribed')

    def on_message(client, userdata, message):
        say(f'{message.topic} {message.payload.decode()}')

    client = make_client()
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect(options.broker_host, options.broker_port)
    client.loop_forever()


if __name__ == '__main__':
    main()

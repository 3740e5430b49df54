"""Client B of the second seed: publishes one text to my/topic."""

import sys

sys.dont_write_bytecode = True

from connection import make_client, option_parser  # noqa: E402

TOPIC = 'my/topic'
TEXT = 'Hello from client B! Hello Again'


def main():
    options = option_parser('Client B: publisher.').parse_args()
    client = make_client()
    client.connect(options.broker_host, options.broker_port)
    client.loop_start()
    client.publish(TOPIC, TEXT).wait_for_publish()
    client.loop_stop()
    client.disconnect()


if __name__ == '__main__':
    main()

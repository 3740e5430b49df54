"""API 2 of the second seed: /ping answers pong, to GET and to POST. It knows nothing of MQTT.

What else a service can be: /text answers with no JSON, /fail with a status of its own, /slow after a while.
"""

import json
import sys
import time

sys.dont_write_bytecode = True

from connection import Routes, option_parser, serve  # noqa: E402


class Api(Routes):
    def get(self, path):
        return self.post(path, b'')

    def post(self, path, body):
        if path == '/ping':
            return 200, {'message': 'pong'}
        if path == '/echo':
            return 200, {'got': json.loads(body)}
        if path == '/text':
            return 200, '<p>pong</p>'
        if path == '/fail':
            return 500, {'error': 'the pong is broken'}
        if path == '/slow':
            time.sleep(self.delay)
            return 200, {'message': 'late pong'}
        return 404, '<h1>Not Found</h1>'


def main():
    parser = option_parser('API 2: HTTP only.')
    parser.add_argument('--port', type=int, default=5001)
    parser.add_argument('--delay', type=float, default=1.0, help='seconds until /slow answers')
    options = parser.parse_args()
    Api.delay = options.delay
    serve(options.port, Api)


if __name__ == '__main__':
    main()

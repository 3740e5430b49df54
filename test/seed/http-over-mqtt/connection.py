"""What the programs share: a client of Paho, of version 1 or 2, and the manners of a small HTTP server."""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import paho.mqtt.client as mqtt


def option_parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--broker-host', default='localhost')
    parser.add_argument('--broker-port', type=int, default=1883)
    return parser


def make_client():
    if hasattr(mqtt, 'CallbackAPIVersion'):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    return mqtt.Client()


def say(text):
    # In one piece: several threads say something.
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


class Routes(BaseHTTPRequestHandler):
    """Calls `get` or `post` of the class below, which give a status and a value; answers as JSON."""

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(*self.get(self.path.partition('?')[0]))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.answer(*self.post(self.path.partition('?')[0], body))

    def answer(self, status, value):
        text = value if isinstance(value, str) else json.dumps(value)
        data = text.encode()
        self.send_response(status)
        self.send_header('Content-Type', 'text/html' if isinstance(value, str) else 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def serve(port, routes):
    server = ThreadingHTTPServer(('127.0.0.1', port), routes)
    server.daemon_threads = True
    say(f'Running on http://127.0.0.1:{server.server_address[1]}')
    server.serve_forever()

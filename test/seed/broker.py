"""The broker of the first seed: TCP and UDP for the devices, REST for the applications, one thread each.

What a device sends is evaluated as Python, from one `recv(2048)`: a device that frames its messages, says `false` for
`False`, or sends them in two parts does not get through here. An address has one device, whose id is `DE` and the
last part of the address; a newer connection of the same address takes the place of the earlier one.
"""

import argparse
import json
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

sys.dont_write_bytecode = True

from connection import say  # noqa: E402


class Device:
    """What is kept of one connected device. The lock is the seed's flag: one exchange at a time."""

    def __init__(self, connection, address, device_id):
        self.connection = connection
        self.address = address
        self.id = device_id
        self.commands = {}
        self.lock = threading.Lock()
        self.data = None
        self.data_arrived = threading.Event()

    def ask(self, request):
        """Sends a request and returns the text of the answer."""
        with self.lock:
            self.connection.send(str(request).encode('utf-8'))
            text = self.connection.recv(2048).decode('utf-8')
        if text == '':
            raise ConnectionResetError('closed by the device')
        return text


class Broker:
    def __init__(self, options):
        self.options = options
        self.devices = {}
        self.lock = threading.Lock()

    def accept_devices(self, listener):
        while True:
            connection, address = listener.accept()
            threading.Thread(target=self.receive_device, args=[connection, address[0]], daemon=True).start()

    def receive_device(self, connection, address):
        """The first message tells why the connection was made."""
        first = connection.recv(2048).decode('utf-8')
        if first == 'Checagem':
            connected = any(device.address == address for device in self.list_devices())
            say('check', address, 'Conectado' if connected else 'Desconectado')
            connection.send(('Conectado' if connected else 'Desconectado').encode('utf-8'))
            connection.close()
        elif first == 'Conexão':
            connection.settimeout(self.options.timeout)
            device = Device(connection, address, 'DE' + address.rpartition('.')[2])
            connection.send(device.id.encode('utf-8'))
            device.commands = eval(connection.recv(2048).decode('utf-8'))
            with self.lock:
                earlier = self.devices.get(device.id)
                self.devices[device.id] = device
            if earlier:
                earlier.connection.close()
            say('connected', device.id, address)
            time.sleep(self.options.first_wait)
            self.keep_alive(device)
        else:
            say('stranger', address, repr(first))
            connection.close()

    def keep_alive(self, device):
        """Command 0 every 3 s, for as long as the device is kept."""
        while self.devices.get(device.id) is device:
            if self.is_alive(device):
                say('keep-alive', device.id)
            time.sleep(self.options.keep_alive)

    def is_alive(self, device):
        """One keep-alive; a device that does not answer it is forgotten."""
        try:
            word = device.ask({'Comando': '0'})
            if word != 'Recebido':
                say('odd-keep-alive', device.id, repr(word))
            return True
        except OSError as error:
            self.forget(device, error)
            return False

    def forget(self, device, why):
        with self.lock:
            if self.devices.get(device.id) is not device:
                return
            del self.devices[device.id]
        device.connection.close()
        say('disconnected', device.id, why)

    def list_devices(self):
        with self.lock:
            return list(self.devices.values())

    def receive_datagrams(self, udp):
        while True:
            data, address = udp.recvfrom(2048)
            for device in self.list_devices():
                if device.address == address[0]:
                    device.data = eval(data.decode('utf-8'))
                    device.data_arrived.set()
                    say('datagram', device.id, device.data)

    def find(self, device_id):
        """A device that has just shown that it is there: the seed asks each time."""
        device = self.devices.get(device_id)
        return device if device and self.is_alive(device) else None

    def send_command(self, device, number, extra):
        """Asks the device, or waits up to 2 s for its next datagram where the description says so."""
        if device.commands.get(number, {}).get('Coleta de dados UDP'):
            device.data_arrived.clear()
            if not device.data_arrived.wait(2):
                return {'Resposta': 'Não foram retornados dados do dispositivo'}
            data = dict(device.data)
            valid = data.pop('Válido')
            return {'Resposta': data if valid else data['Justificativa']}
        return eval(device.ask({'Comando': number, **extra}))


class Routes(BaseHTTPRequestHandler):
    """Stands for Flask: the same addresses, methods, statuses and bodies."""

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    broker = None

    def log_message(self, *words):
        pass

    def do_HEAD(self):
        self.reply(200 if self.path == '/' else 404, None)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == '/devices':
            self.reply(308, None, {'Location': f"http://{self.headers['Host']}/devices/"})
        elif path == '/devices/':
            alive = [device.id for device in self.broker.list_devices() if self.broker.is_alive(device)]
            self.reply(200, alive)
        else:
            self.answer(r'/devices/([^/]+)/commands/([^/]+)', path)

    def do_POST(self):
        self.answer(r'/devices/([^/]+)/commands/([^/]+)', urlsplit(self.path).path)

    def do_PATCH(self):
        self.answer(r'/devices/([^/]+)/commands/([^/]+)/([^/]+)', urlsplit(self.path).path)

    def answer(self, pattern, path):
        self.rfile.read(int(self.headers['Content-Length'] or 0))
        match = re.fullmatch(pattern, path)
        if not match:
            return self.reply(404, None)
        device_id, number, *value = (unquote(part) for part in match.groups())
        device = self.broker.find(device_id)
        if not device:
            return self.reply(404, {'Resposta': 'Dispositivo não encontrado'})
        if number == 'description' and self.command == 'GET':
            return self.reply(200, device.commands)
        try:
            return self.reply(200, self.broker.send_command(device, number, {'Entrada': value[0]} if value else {}))
        except Exception as error:
            say('failed', device_id, number, f'{type(error).__name__}: {error}')
            return self.reply(500, None)

    def reply(self, status, value, headers=()):
        body = b'' if value is None else (json.dumps(value, sort_keys=True) + '\n').encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json' if body else 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        for name, text in dict(headers).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description='Broker, written as the first seed writes it. Port 0 is any free one.')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--tcp-port', type=int, default=5050)
    parser.add_argument('--udp-port', type=int, default=5060)
    parser.add_argument('--http-port', type=int, default=5070)
    parser.add_argument('--timeout', type=float, default=5, help='seconds that a device has to answer')
    parser.add_argument('--keep-alive', type=float, default=3, help='seconds between keep-alives')
    parser.add_argument('--first-wait', type=float, default=2, help='seconds before the first keep-alive')
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding='utf-8')
    broker = Broker(options)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((options.host, options.tcp_port))
    tcp.listen(128)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((options.host, options.udp_port))
    Routes.broker = broker
    http = ThreadingHTTPServer((options.host, options.http_port), Routes)
    http.daemon_threads = True
    threading.Thread(target=broker.accept_devices, args=[tcp], daemon=True).start()
    threading.Thread(target=broker.receive_datagrams, args=[udp], daemon=True).start()
    threading.Thread(target=http.serve_forever, daemon=True).start()
    say('listening', f'tcp={tcp.getsockname()[1]} udp={udp.getsockname()[1]} http={http.server_address[1]}')
    for line in sys.stdin:
        if line.strip() == 'quit':
            break


if __name__ == '__main__':
    main()

"""How a device of the first seed talks to its server: one TCP connection, one UDP socket, plain text.

It does what those programs do, faults included. One `recv(2048)` is taken for one message and evaluated
as Python, so messages that come glued, cut, or in JSON's own words (`false`) end the thread: "died" is then
printed, and the server has found out what it must never send.
"""

import argparse
import os
import socket
import sys
import threading
import time

output = threading.Lock()


def say(*words):
    """Prints one event as one line, at once, whole."""
    with output:
        sys.stdout.write(' '.join(str(word) for word in words) + '\n')
        sys.stdout.flush()


def thread_died(args):
    """The end of a thread that met more than it stands, told as one line."""
    say('died', f'{args.exc_type.__name__}: {args.exc_value}')


threading.excepthook = thread_died


class Connection:
    """The state of the connection: 'Desconectado', 'Conectado' or 'Reconectando'."""

    def __init__(self, options, description):
        self.options = options
        self.description = description
        self.device_id = '-----'
        self.server_ip = ''
        self.status = 'Desconectado'
        self.lock = threading.Lock()
        self.tcp = None
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if options.bind:
            self.udp.bind((options.bind, 0))

    def open_socket(self, server_ip):
        """A new TCP socket, connected to the server."""
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.settimeout(self.options.timeout)
        if self.options.bind:
            tcp.bind((self.options.bind, 0))
        tcp.connect((server_ip, self.options.tcp_port))
        return tcp

    def introduce(self, server_ip):
        """`Conexão`, the id, the description of the commands: then the connection stands."""
        self.tcp = self.open_socket(server_ip)
        self.tcp.send('Conexão'.encode('utf-8'))
        self.device_id = self.tcp.recv(2048).decode('utf-8')
        self.tcp.send(str(self.description).encode('utf-8'))
        say('id', self.device_id)

    def connect(self):
        """What the menu's "connect" does: one try, and its result in words."""
        if self.status == 'Conectado':
            return 'Conexão já estabelecida'
        if self.status == 'Reconectando':
            return 'Tentando reconectar com o servidor atual...'
        try:
            self.introduce(self.options.host)
        except OSError as error:
            say('failed', error)
            return 'Conexão impossibilitada'
        with self.lock:
            self.server_ip = self.options.host
            self.status = 'Conectado'
        say('connected')
        return 'Conexão estabelecida'

    def disconnect(self):
        """What the menu's "disconnect" does. Reconnecting ends with it."""
        if self.status == 'Desconectado':
            return 'Não há um servidor conectado'
        with self.lock:
            self.status = 'Desconectado'
            self.server_ip = ''
            self.device_id = '-----'
            self.tcp.close()
        say('disconnected')
        return 'Conexão encerrada'

    def receive_requests(self, answer):
        """For ever: takes a request, and sends what `answer(command, request)` returns, if anything."""
        while True:
            if self.status != 'Conectado':
                time.sleep(0.01)
                continue
            text = ''
            try:
                text = self.tcp.recv(2048).decode('utf-8')
                if text == '':
                    raise ConnectionResetError('closed by the server')
                request = eval(text)
                command = int(request['Comando'])
                if not 0 <= command <= len(self.description) + 1:
                    raise ValueError
                if command == 0:
                    self.tcp.send('Recebido'.encode('utf-8'))
                    say('keep-alive')
                    continue
                say('request', text)
                response = answer(command, request)
                if response is not None:
                    self.tcp.send(str({'Resposta': response}).encode('utf-8'))
            except ValueError:
                say('invalid', text)
                self.tcp.send(str({'Resposta': 'Comando inválido'}).encode('utf-8'))
            except OSError as error:
                if self.server_ip != '':
                    say('silence' if isinstance(error, socket.timeout) else 'broken', error)
                    self.status = 'Reconectando'
                    threading.Thread(target=self.reconnect, daemon=True).start()

    def reconnect(self):
        """Asks on another connection whether the server still has this one; connects anew when it has not."""
        while self.status == 'Reconectando':
            try:
                check = self.open_socket(self.server_ip)
                check.send('Checagem'.encode('utf-8'))
                word = check.recv(2048).decode('utf-8')
                say('check', word)
                if word == 'Desconectado':
                    self.introduce(self.server_ip)
                if word in ('Desconectado', 'Conectado'):
                    with self.lock:
                        if self.status == 'Reconectando':
                            self.status = 'Conectado'
                            say('reconnected' if word == 'Desconectado' else 'resumed')
            except OSError as error:
                say('retry', error)
                time.sleep(self.options.retry)

    def send_datagram(self, data):
        """One dictionary by UDP; nobody answers it."""
        try:
            self.udp.sendto(str(data).encode('utf-8'), (self.server_ip, self.options.udp_port))
            say('datagram', data)
        except OSError:
            pass


def option_parser(summary):
    """The options that both devices have. The defaults are the seed's own ports and times."""
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument('--host', default='127.0.0.1', help='address of the server')
    parser.add_argument('--tcp-port', type=int, default=5050)
    parser.add_argument('--udp-port', type=int, default=5060)
    parser.add_argument('--bind', default='', help='own address, such as 127.0.0.11')
    parser.add_argument('--timeout', type=float, default=5, help='seconds of silence that it bears')
    parser.add_argument('--retry', type=float, default=2, help='seconds between attempts to reconnect')
    parser.add_argument('--connect', action='store_true', help='connect at the start')
    parser.add_argument('--on', action='store_true', help='turned on from the start')
    return parser


def run_menu(connection, entries):
    """Stands for the menu: one entry a line on standard input, its result as a line `answer …`. Ends with it."""
    entries = {'connect': lambda _: connection.connect(), 'disconnect': lambda _: connection.disconnect(), **entries}
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding='utf-8')
    if connection.options.connect:
        say('answer', connection.connect())
    for line in sys.stdin:
        name, _, value = line.strip().partition(' ')
        if name == 'quit':
            break
        say('answer', entries[name](value) if name in entries else 'Opção inválida')
    os._exit(0)

"""The management application of the first seed, without its menus: the same calls in the same order.

    application.py [--host H] [--port P] check | devices | describe ID | commands ID | send ID NUMBER [INPUT]

Without a call it reads such calls from standard input, one a line. Each prints one line of JSON:
`{"requests": ["GET /devices"], "status": 200, "answer": ["DE11"]}`, or `{…, "error": "…"}`.
"""

import argparse
import http.client
import json
import re
import sys
from urllib.parse import quote, urlsplit

TIMEOUT_SECONDS = 7


def target_of(url):
    """The path and query that the `requests` library sends for an address put together with an f-string.

    It encodes what may not stand in an address and leaves the rest: `/`, `,`, `&` and `'` go out as they are, a
    `?` begins the query, and what follows a `#` is not sent at all. `%` stays where every one of them
    begins an escape, and is encoded where one does not.
    """
    path, _, query = url.partition('#')[0].partition('?')
    percent = '%' if len(re.findall('%[0-9a-fA-F]{2}', path)) == path.count('%') else ''
    encoded = quote(without_dots(path), safe="!$&'()*+,;=:@/~" + percent)
    return encoded + ('?' + quote(query, safe="!$&'()*+,;=:@/~?%") if query else '')


def without_dots(path):
    """RFC 3986 section 5.2.4: `..` goes up, `.` stays."""
    kept = []
    for segment in path.split('/'):
        if segment == '..':
            kept = kept[:-1] if len(kept) > 1 else kept
        elif segment != '.':
            kept.append(segment)
    if path.endswith(('/.', '/..')):
        kept.append('')
    return '/'.join(kept) or '/'


class Server:
    """Calls like those of `requests`: a connection each, 7 s to answer, redirects of GET followed."""

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.requests = []

    def call(self, method, url, redirects=5):
        target = target_of(url)
        self.requests.append(f'{method} {target}')
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        headers = {
            'User-Agent': 'python-requests/2.31.0',
            'Accept-Encoding': 'gzip, deflate',
            'Accept': '*/*',
            'Connection': 'keep-alive',
        }
        if method in ('POST', 'PATCH'):
            headers['Content-Length'] = '0'
        try:
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            text = response.read().decode('utf-8')
        finally:
            connection.close()
        location = response.getheader('Location')
        if method == 'GET' and response.status in (301, 302, 303, 307, 308) and location and redirects > 0:
            return self.call(method, urlsplit(location)._replace(scheme='', netloc='').geturl(), redirects - 1)
        return response.status, text

    def check(self):
        return self.call('HEAD', '/')[0], None

    def devices(self):
        status, text = self.call('GET', '/devices')
        return status, json.loads(text)

    def commands(self, device_id):
        """The description of the commands: asked anew before each command."""
        status, text = self.call('GET', f'/devices/{device_id}/commands/description')
        return status, json.loads(text)

    def describe(self, device_id):
        """The general description: always the number after the last command."""
        status, commands = self.commands(device_id)
        if status == 404:
            return status, commands
        status, text = self.call('GET', f'/devices/{device_id}/commands/{len(commands) + 1}')
        return status, json.loads(text)['Resposta']

    def send(self, device_id, number, value=''):
        """One command, by the method that its description names, with an input where that is PATCH."""
        if not re.match(r'^\d+$', number):
            raise ValueError('Comando inválido')
        status, commands = self.commands(device_id)
        if status == 404:
            return status, commands
        if number not in commands:
            raise ValueError('Comando inválido')
        method = commands[number]['Método HTTP']
        url = f'/devices/{device_id}/commands/{number}'
        if method == 'PATCH':
            url = f'{url}/{value.strip()}'
        status, text = self.call(method, url)
        return status, json.loads(text)['Resposta']


def run(server, call):
    """Makes one call and prints what came of it."""
    server.requests = []
    try:
        if call[0] not in ('check', 'devices', 'commands', 'describe', 'send'):
            raise ValueError('Opção inválida')
        status, answer = getattr(server, call[0])(*call[1:])
        line = {'requests': server.requests, 'status': status, 'answer': answer}
    except (OSError, http.client.HTTPException) as error:
        line = {'requests': server.requests, 'error': f'Conexão encerrada: {error}'}
    except (ValueError, KeyError, TypeError) as error:
        line = {'requests': server.requests, 'error': f'{type(error).__name__}: {error}'}
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + '\n')
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description='The calls of the management application of the first seed.')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=5070)
    parser.add_argument('call', nargs='*', help='check, devices, describe ID, commands ID, send ID NUMBER [INPUT]')
    options = parser.parse_args()
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding='utf-8')
    server = Server(options.host, options.port)
    if options.call:
        run(server, options.call)
        return
    for line in sys.stdin:
        words = line.rstrip('\n').split(' ', 3)
        run(server, words)


if __name__ == '__main__':
    main()

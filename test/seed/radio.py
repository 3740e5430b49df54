"""The internet radio of the first seed: five commands by TCP, one of them with an input, and nothing by UDP.

Lines it takes: connect, disconnect, on, off, show, song TEXT, play, pause, quit.
"""

import sys
import threading

sys.dont_write_bytecode = True

from connection import Connection, option_parser, run_menu  # noqa: E402


class Radio:
    """Off at first, and without a song until one is set."""

    commands = {
        '1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
        '2': {'Descrição': 'Desligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
        '3': {'Descrição': 'Setar música', 'Entrada': 'Música', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': False},
        '4': {'Descrição': 'Tocar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
        '5': {'Descrição': 'Pausar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
    }

    def __init__(self, on):
        self.status = 'ligado' if on else 'desligado'
        self.song = '-----'
        self.song_status = '-------'

    def turn_on(self):
        if self.status == 'ligado':
            return 'Dispositivo já está ligado'
        self.status = 'ligado'
        if self.song != '-----':
            self.song_status = 'Tocando'
        return 'Dispositivo ligado'

    def turn_off(self):
        if self.status == 'desligado':
            return 'Dispositivo já está desligado'
        self.status = 'desligado'
        if self.song != '-----':
            self.song_status = 'Pausada'
        return 'Dispositivo desligado'

    def set_song(self, song):
        self.song = song
        self.song_status = 'Tocando' if self.status == 'ligado' else 'Pausada'
        return 'Música selecionada'

    def play(self):
        if self.song_status == '-------':
            return 'Nenhuma música foi selecionada'
        if self.status == 'desligado':
            return 'Aparelho desligado, não tem como modificar status da música'
        if self.song_status == 'Tocando':
            return 'A música já está tocando'
        self.song_status = 'Tocando'
        return 'A música foi colocada para tocar'

    def pause(self):
        if self.song_status == '-------':
            return 'Nenhuma música foi selecionada'
        if self.status == 'desligado':
            return 'Aparelho desligado, não tem como modificar status da música'
        if self.song_status == 'Pausada':
            return 'A música já está pausada'
        self.song_status = 'Pausada'
        return 'A música foi pausada'

    def describe(self):
        return {'Descrição': 'Aparelho de som via internet', 'Status do dispositivo': self.status.capitalize(),
                'Música atual': self.song, 'Status da música': self.song_status}

    def answer(self, command, request):
        """What a request of the server gets. Number 3 without its input is more than this program stands."""
        if command == 1:
            return self.turn_on()
        if command == 2:
            return self.turn_off()
        if command == 3:
            return self.set_song(request['Entrada'])
        if command == 4:
            return self.play()
        if command == 5:
            return self.pause()
        return self.describe()


def main():
    parser = option_parser('Internet radio, written as the first seed writes it.')
    parser.add_argument('--song', default='', help='song at the start')
    options = parser.parse_args()
    radio = Radio(options.on)
    if options.song:
        radio.set_song(options.song)
    connection = Connection(options, radio.commands)
    threading.Thread(target=connection.receive_requests, args=[radio.answer], daemon=True).start()
    run_menu(connection, {
        'on': lambda _: radio.turn_on(),
        'off': lambda _: radio.turn_off(),
        'song': radio.set_song,
        'play': lambda _: radio.play(),
        'pause': lambda _: radio.pause(),
        'show': lambda _: {'ID': connection.device_id, 'Status': radio.status.capitalize(), 'Música atual': radio.song,
                           'Status da música': radio.song_status, 'Servidor': connection.status},
    })


if __name__ == '__main__':
    main()

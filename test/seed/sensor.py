"""The temperature sensor of the first seed: two commands by TCP, one measure by UDP every 0.8 s.

Lines it takes: connect, disconnect, on, off, show, temperature N, quit.
"""

import sys
import threading
import time

sys.dont_write_bytecode = True

from connection import Connection, option_parser, run_menu  # noqa: E402


class Sensor:
    """Off at first, and without a temperature until one is set."""

    commands = {
        '1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
        '2': {'Descrição': 'Desligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False},
        '3': {'Descrição': 'Retornar medida de temperatura', 'Entrada': '', 'Método HTTP': 'GET',
              'Coleta de dados UDP': True},
    }

    def __init__(self, on):
        self.status = 'ligado' if on else 'desligado'
        self.temperature = '-----'

    def turn_on(self):
        if self.status == 'ligado':
            return 'Dispositivo já está ligado'
        self.status = 'ligado'
        return 'Dispositivo ligado'

    def turn_off(self):
        if self.status == 'desligado':
            return 'Dispositivo já está desligado'
        self.status = 'desligado'
        return 'Dispositivo desligado'

    def set_temperature(self, text):
        try:
            number = int(text)
        except ValueError:
            return 'Valor inválido'
        if not -50 < number < 300:
            return 'Valor inválido'
        self.temperature = f'{number}°C'
        return 'Medida de temperatura atualizada'

    def describe(self):
        return {'Descrição': 'Sensor de temperatura', 'Status': self.status.capitalize()}

    def measure(self):
        if self.status == 'ligado':
            return {'Temperatura': self.temperature, 'Válido': True}
        return {'Válido': False, 'Justificativa': 'Dispositivo desligado, não é possível coletar os dados'}

    def answer(self, command, request):
        """What a request of the server gets. Number 3 is never sent to a sensor, and would get no answer."""
        if command == 1:
            return self.turn_on()
        if command == 2:
            return self.turn_off()
        if command == 4:
            return self.describe()
        return None


def send_measures(sensor, connection, period):
    """For ever: a datagram each period, while connected and once a temperature is set."""
    while True:
        if connection.status == 'Conectado' and sensor.temperature != '-----':
            connection.send_datagram(sensor.measure())
        time.sleep(period)


def main():
    parser = option_parser('Temperature sensor, written as the first seed writes it.')
    parser.add_argument('--temperature', default='', help='temperature at the start')
    parser.add_argument('--period', type=float, default=0.8, help='seconds between datagrams')
    options = parser.parse_args()
    sensor = Sensor(options.on)
    if options.temperature:
        sensor.set_temperature(options.temperature)
    connection = Connection(options, sensor.commands)
    threading.Thread(target=connection.receive_requests, args=[sensor.answer], daemon=True).start()
    threading.Thread(target=send_measures, args=[sensor, connection, options.period], daemon=True).start()
    run_menu(connection, {
        'on': lambda _: sensor.turn_on(),
        'off': lambda _: sensor.turn_off(),
        'temperature': sensor.set_temperature,
        'show': lambda _: {'ID': connection.device_id, 'Status': sensor.status.capitalize(),
                           'Temperatura': sensor.temperature, 'Servidor': connection.status},
    })


if __name__ == '__main__':
    main()

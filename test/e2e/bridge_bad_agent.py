"""An agent that answers late, twice and never, on one topic and without an id.

A question says what its caller's patience is: one that is patient gets its answer in the end, once or more often.
Nothing in an answer is the question's own but a fingerprint.
"""

import argparse
import hashlib
import json
import sys
import threading

import paho.mqtt.client as mqtt

QUICK_DEEDS = ['answer', 'late', 'answer', 'twice', 'never', 'answer', 'late']
PATIENT_DEEDS = ['answer', 'twice', 'answer', 'late', 'answer', 'twice', 'answer']

parser = argparse.ArgumentParser()
parser.add_argument('--broker-port', type=int, required=True)
parser.add_argument('--late', type=float, required=True, help='seconds')
options = parser.parse_args()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2) if hasattr(mqtt, 'CallbackAPIVersion') else mqtt.Client()
done = {}


def answer_of(question):
    return json.dumps({'of': hashlib.sha256(question['id'].encode()).hexdigest()})


def answer(question):
    client.publish('bad/answers', answer_of(question), qos=1)


def later(question):
    threading.Timer(options.late, answer, [question]).start()


def choose(question):
    deeds = QUICK_DEEDS if question['patience'] == 'quick' else PATIENT_DEEDS
    kind = question['patience']
    done[kind] = done.get(kind, 0) + 1
    return deeds[(done[kind] - 1) % len(deeds)]


def on_message(client, userdata, message):
    question = json.loads(message.payload)
    deed = choose(question)
    sys.stdout.write(f'{deed}\n')
    sys.stdout.flush()
    if deed in ('answer', 'twice'):
        answer(question)
    if deed == 'twice':
        answer(question)
    if deed == 'late':
        later(question)


def on_connect(client, userdata, flags, reason_code, properties=None):
    client.subscribe('bad/questions', 1)


def on_subscribe(client, *arguments):
    sys.stdout.write('Subscribed\n')
    sys.stdout.flush()


client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect('127.0.0.1', options.broker_port)
client.loop_forever()

# A thermometer over MQTT with Paho (python3-paho-mqtt). The broker of the hub is at 127.0.0.1:1883, or where the first
# argument says; the second one is the version of MQTT, 3.1.1 (the default) or 5. Ctrl+C stops it.
import json, random, sys, threading
import paho.mqtt.client as mqtt

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:1883").rsplit(":", 1)
version = mqtt.MQTTv5 if sys.argv[2:] == ["5"] else mqtt.MQTTv311
ID = "thermometer-mqtt"
BELOW = f"recado/devices/{ID}"
CELSIUS = {"unit": "°C", "type": "number"}
SET_TARGET = {"title": "Set the target", "kind": "write", "input": {"type": "number", "minimum": 5, "maximum": 30}}
DESCRIPTION = {"title": "Thermometer over MQTT", "commands": {"setTarget": SET_TARGET},
               "telemetry": {"temperature": CELSIUS, "target": CELSIUS}}
target = 21

def on_connect(client, *_):
    client.subscribe(f"{BELOW}/commands/#", qos=1)
    client.publish(f"{BELOW}/description", json.dumps(DESCRIPTION), qos=1, retain=True)
    client.publish(f"{BELOW}/presence", "online", qos=1, retain=True)

def on_message(client, _, message):  # setTarget is the only command, and the hub has checked its input
    global target
    before, target = target, json.loads(message.payload)
    invocation = message.topic.rsplit("/", 1)[1]
    client.publish(f"{BELOW}/answers/{invocation}", json.dumps({"before": before, "now": target}), qos=1)

options = {"callback_api_version": mqtt.CallbackAPIVersion.VERSION2} if hasattr(mqtt, "CallbackAPIVersion") else {}
client = mqtt.Client(client_id=ID, protocol=version, **options)
client.on_connect, client.on_message = on_connect, on_message
client.will_set(f"{BELOW}/presence", "offline", qos=1, retain=True)
client.connect_async(host.strip("[]"), int(port))
client.loop_start()
while not threading.Event().wait(1):
    reading = {"temperature": round(target + random.uniform(-0.5, 0.5), 2), "target": target}
    client.publish(f"{BELOW}/telemetry", json.dumps(reading))

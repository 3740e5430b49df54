"""A client of Eclipse Paho, told what to do by lines of JSON and telling what happens by lines of JSON."""

import base64
import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSIONS = {3: mqtt.MQTTv31, 4: mqtt.MQTTv311, 5: mqtt.MQTTv5}


def tell(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def make_client(order):
    version = order["version"]
    options = {"client_id": order["clientId"], "protocol": VERSIONS[version]}
    if version != 5:
        options["clean_session"] = not order["isDurable"]
    if hasattr(mqtt, "CallbackAPIVersion"):
        options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
    client = mqtt.Client(**options)
    # Packets that wait for their acknowledgement, for 1000 messages at once.
    client.max_inflight_messages_set(100)
    client.reconnect_delay_set(1, 1)
    client.on_connect = lambda *arguments: tell("connected", code=int_of(arguments[3]))
    client.on_disconnect = lambda *arguments: tell("disconnected", code=int_of(arguments[2]))
    client.on_subscribe = lambda *arguments: tell("subscribed")
    client.on_publish = lambda *arguments: tell("published")
    client.on_message = lambda client, data, message: tell(
        "message",
        topic=message.topic,
        payload=base64.b64encode(message.payload).decode(),
        qos=message.qos,
        retain=bool(message.retain),
        properties=properties_of(message),
    )
    will = order.get("will")
    if will is not None:
        client.will_set(will["topic"], will["payload"], will["qos"])
    return client


def int_of(code):
    return getattr(code, "value", code)


def properties_of(message):
    properties = getattr(message, "properties", None)
    if properties is None:
        return {}
    found = properties.json()
    if "CorrelationData" in found:
        found["CorrelationData"] = bytes(properties.CorrelationData).hex()
    return found


def connect(client, order):
    options = {}
    if order["version"] == 5:
        options["clean_start"] = not order["isDurable"]
        options["properties"] = Properties(PacketTypes.CONNECT)
        if order["isDurable"]:
            options["properties"].SessionExpiryInterval = 1000
    client.connect("127.0.0.1", order["port"], **options)
    client.loop_start()


def publish(client, order):
    properties = None
    if "properties" in order:
        properties = Properties(PacketTypes.PUBLISH)
        for name, value in order["properties"].items():
            if name == "CorrelationData":
                value = bytes.fromhex(value)
            if name == "UserProperty":
                value = [tuple(pair) for pair in value]
            setattr(properties, name, value)
    for payload in order["payloads"]:
        client.publish(order["topic"], base64.b64decode(payload), order["qos"], order["retain"], properties)


def main():
    client = None
    for line in sys.stdin:
        order = json.loads(line)
        do = order["do"]
        if do == "connect":
            client = make_client(order)
            connect(client, order)
        elif do == "subscribe":
            client.subscribe(order["topicFilter"], order["qos"])
        elif do == "publish":
            publish(client, order)
        elif do == "disconnect":
            client.disconnect()
            client.loop_stop()
            return


main()

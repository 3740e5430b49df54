# A thermometer in plain Python 3. The hub is at 127.0.0.1:5050, or where the argument says. Ctrl+C stops it.
import json, random, select, socket, sys, time

host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5050").rsplit(":", 1)
CELSIUS = {"unit": "°C", "type": "number"}
SET_TARGET = {"title": "Set the target", "kind": "write", "input": {"type": "number", "minimum": 5, "maximum": 30}}
HELLO = {"recado": 2, "id": "thermometer-py", "description": {"title": "Thermometer in Python",
         "commands": {"setTarget": SET_TARGET}, "telemetry": {"temperature": CELSIUS, "target": CELSIUS}}}
target = 21

def answer(message):
    global target
    if "ping" in message:
        return {"pong": message["ping"]}
    if "cmd" in message:  # setTarget is the only command, and the hub has checked its input
        before, target = target, message["input"]
        return {"re": message["cmd"], "output": {"before": before, "now": target}}
    if "error" in message:  # refused, or another connection took over, or the hub stops
        raise OSError(message["error"]["message"])

def serve(hub):
    send = lambda message: hub.sendall((json.dumps(message) + "\n").encode())
    send(HELLO)
    rest, report_at = b"", time.monotonic() + 1
    while True:
        if select.select([hub], [], [], max(0, report_at - time.monotonic()))[0]:
            received = hub.recv(65536)
            if not received:
                raise OSError("the hub closed the connection")
            *lines, rest = (rest + received).split(b"\n")
            for reply in filter(None, map(answer, map(json.loads, lines))):
                send(reply)
        if time.monotonic() >= report_at:
            report_at = time.monotonic() + 1
            send({"telemetry": {"temperature": round(target + random.uniform(-0.5, 0.5), 2), "target": target}})

try:
    while True:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=5) as hub:
                serve(hub)
        except OSError as problem:
            print(f"{problem}; the next try is in 5 s", flush=True)
        time.sleep(5)
except KeyboardInterrupt:
    pass

# Renders templates with Jinja itself and the filters that Home Assistant has instead of Jinja's own, for jinja.test.ts:
# a JSON array [[template, payload], ...] on standard input; an array of texts, null where it raises, on standard output.
import json
import math
import re
import sys

from jinja2 import filters
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOTHING = object()


def forgiving(default, message):
    if default is NOTHING:
        raise ValueError(message)
    return default


def to_float(value, default=NOTHING):
    try:
        return float(value)
    except (ValueError, TypeError):
        return forgiving(default, "float")


def to_int(value, default=NOTHING, base=10):
    made = filters.do_int(value, default=NOTHING, base=base)
    return forgiving(default, "int") if made is NOTHING else made


def to_round(value, precision=0, method="common", default=NOTHING):
    try:
        factor = float(10**precision)
        if method == "ceil":
            value = math.ceil(float(value) * factor) / factor
        elif method == "floor":
            value = math.floor(float(value) * factor) / factor
        elif method == "half":
            value = round(float(value) * 2) / 2
        else:
            value = round(float(value), precision)
        return int(value) if precision == 0 else value
    except (ValueError, TypeError):
        return forgiving(default, "round")


def multiply(value, amount, default=NOTHING):
    try:
        return float(value) * amount
    except (ValueError, TypeError):
        return forgiving(default, "multiply")


def add(value, amount, default=NOTHING):
    try:
        return float(value) + amount
    except (ValueError, TypeError):
        return forgiving(default, "add")


def is_number(value):
    try:
        return math.isfinite(float(value))
    except (ValueError, TypeError):
        return False


def to_boolean(value, default=NOTHING):
    if isinstance(value, (bool, int, float)):
        return value != 0
    if isinstance(value, str) and value.lower().strip() in ("1", "true", "yes", "on", "enable"):
        return True
    if isinstance(value, str) and value.lower().strip() in ("0", "false", "no", "off", "disable"):
        return False
    return forgiving(default, "bool")


def is_defined(value):
    if isinstance(value, environment.undefined):
        raise ValueError("is_defined")
    return value


def to_json(value):
    if isinstance(value, environment.undefined):
        raise TypeError("undefined")
    if isinstance(value, float):
        return re.sub(r"e\+?(-?)0?", r"e\1", repr(value)) if math.isfinite(value) else "null"
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{to_json(to_key(key))}:{to_json(member)}" for key, member in value.items())
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join(to_json(item) for item in value)
    return json.dumps(value, ensure_ascii=False)


def to_key(key):
    return key if isinstance(key, str) else to_json(key)


def iif(value, if_true=True, if_false=False, if_none=NOTHING):
    if value is None and if_none is not NOTHING:
        return if_none
    return if_true if bool(value) else if_false


def regex(method):
    def find_it(value, find="", ignorecase=False):
        return bool(getattr(re.compile(find, re.IGNORECASE if ignorecase else 0), method)(str(value)))

    return find_it


def regex_replace(value="", find="", replace="", ignorecase=False):
    return re.compile(find, re.IGNORECASE if ignorecase else 0).sub(replace, str(value))


environment = ImmutableSandboxedEnvironment()
both = {"float": to_float, "int": to_int, "bool": to_boolean, "is_number": is_number, "iif": iif}
environment.globals.update(both)
environment.globals["min"] = lambda *args: environment.call_filter("min", args[0] if len(args) == 1 else args)
environment.globals["max"] = lambda *args: environment.call_filter("max", args[0] if len(args) == 1 else args)
environment.filters.update(both)
environment.filters.update(
    round=to_round, multiply=multiply, add=add, is_defined=is_defined, to_json=to_json, tojson=to_json,
    from_json=json.loads, regex_replace=regex_replace, regex_search=regex("search"), regex_match=regex("match"),
)
environment.tests.update(is_number=is_number, search=regex("search"), match=regex("match"))


def render(template, payload):
    variables = {"value": payload}
    try:
        variables["value_json"] = json.loads(payload)
    except ValueError:
        pass
    try:
        return environment.from_string(template.strip()).render(variables).strip()
    except Exception:
        return None


json.dump([render(template, payload) for template, payload in json.load(sys.stdin)], sys.stdout)

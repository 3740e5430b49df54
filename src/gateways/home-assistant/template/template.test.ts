import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePayloadJson } from './payload-json.ts';
import { readTemplate } from './template.ts';

/** What a template makes of a payload; `!` and why, where it makes nothing of it. */
function render(template: string, payload = '', variables: Record<string, number> = {}): string {
  const read = readTemplate(template);
  if (!read.ok) return `?${read.failure.at} ${read.failure.message}`;
  const json = parsePayloadJson(payload);
  const made = read.value.render({
    ...variables,
    value: payload,
    ...(json !== undefined && { value_json: json }),
  });
  return made.ok ? made.value : `! ${made.failure}`;
}

function check(template: string, cases: Readonly<Record<string, string>>): void {
  for (const [payload, wanted] of Object.entries(cases))
    assert.equal(render(template, payload), wanted, `${template} of ${payload}`);
}

describe('a template', () => {
  it('is a text with paths into the payload', () => {
    check('{{ value_json.sensor["temp in"].1 }} °C', { '{"sensor": {"temp in": [20, 21.5]}}': '21.5 °C' });
    check('  no braces at all  ', { x: 'no braces at all' });
  });

  it('prints numbers, true, false and null as Python does', () => {
    check('{{ value_json.v }}', {
      '{"v": 42}': '42',
      '{"v": 42.0}': '42.0',
      '{"v": 1e3}': '1000.0',
      '{"v": 1e-5}': '1e-05',
      '{"v": 0.0001}': '0.0001',
      '{"v": 1e16}': '1e+16',
      '{"v": 18446744073709551615}': '18446744073709551615',
      '{"v": true}': 'True',
      '{"v": null}': 'None',
      '{"v": [1, "a", {"b": null}]}': "[1, 'a', {'b': None}]",
    });
    check('{{ value | float }}', { 42: '42.0', ' 4_2.50 ': '42.5', '-inf': '-inf' });
    check('{{ value | int }}', { '42.9': '42', '-7': '-7' });
    check('{{ value_json.v / 2 }}', { '{"v": 4}': '2.0' });
  });

  it('rounds half to even, and to an int without digits', () => {
    check('{{ value | float | round(0) }}', { '0.5': '0', '1.5': '2', '2.5': '2', '-0.4': '0' });
    check('{{ value | float | round(2) }}', { '2.675': '2.67', '0.125': '0.12', '1': '1.0' });
    check("{{ value | float | round(1, 'floor') }}", { '1.29': '1.2' });
  });

  it('does not know a member that is missing, and cannot look into it', () => {
    check('{{ value_json.a }}', { '{}': '', plain: '! .a of undefined' });
    check('{{ value_json.a.b }}', { '{}': '! .b of undefined' });
    check('{{ value_json.a | is_defined }}', { '{}': '! is_defined of undefined', '{"a": 0}': '0' });
    check("{{ value_json.a | default('x') }}", { '{}': 'x', '{"a": ""}': '' });
    check('{{ value_json.a + 1 }}', { '{}': '! undefined + int' });
  });

  it('raises where a filter has no default', () => {
    check('{{ value | float }}', { on: '! float of "on"' });
    check('{{ value | float(0) }}', { on: '0' });
    check('{{ value | int(default=7) }}', { on: '7' });
    check('{{ value_json.a | float(0) }}', { '{}': '! undefined as a number' });
  });

  it('lets filters bind before everything else', () => {
    check('{{ float(value) * 0.1 | round(2) }}', { 21: '2.1' });
    check('{{ 0 < value|int <= 65535 }}', { 7: 'True', 0: 'False' });
    check('{{ -3 | abs }}', { x: '3' });
  });

  it('takes a method of Python for a member with its name, unless that is asked for as an item', () => {
    check('{{ value_json.update }}|{{ value_json["update"] }}', { '{"update": 5}': '|5' });
    check('{{ value_json.items }}', { '{"items": 5}': '! .items of dict, which Python has' });
  });

  it('decides', () => {
    const template = '{% if value == "a" -%} A {%- elif value in ("b", "c") %}B{% else %}-{% endif %}';
    check(template, { a: 'A', c: 'B', d: '-' });
    check("{{ 'on' if value_json.s is defined and value_json.s else 'off' }}", {
      '{"s": 1}': 'on',
      '{"s": 0}': 'off',
      '{}': 'off',
    });
    check("{% set x = {0: 'low', None: '-'} %}{{ x[value_json.v] }}", {
      '{"v": 0}': 'low',
      '{"v": null}': '-',
    });
  });

  it('makes payloads', () => {
    assert.equal(
      render("{{ '#%02x%02x%02x' | format(red, green, blue) }}", '', { red: 1, green: 20, blue: 255 }),
      '#0114ff',
    );
    assert.equal(render('{{ {"position": position} | tojson }}', '', { position: 55 }), '{"position":55}');
    assert.equal(
      render('{"a": {{ brightness|multiply(2.55)|round }} }', '', { brightness: 50 }),
      '{"a": 127 }',
    );
  });

  it('replaces by regular expressions', () => {
    check("{{ value | regex_replace('[ ,]+', '-') }}", { 'a, b,,c': 'a-b-c' });
    check("{{ value | regex_replace(find='^v|ok$', replace='', ignorecase=true) }}", { V12OK: '12' });
    check("{{ value is search('\\\\d{2,}(?:kg|g)$') }}", { '12kg': 'True', '1g': 'False' });
  });
});

describe('what is not understood', () => {
  it('is named with its place', () => {
    const cases = {
      '{{ now().isoformat() }}': '?8 the method isoformat',
      '{{ value | timestamp_local }}': '?9 the filter or test timestamp_local',
      '{% for x in value %}{% endfor %}': '?0 the statement for',
      '{{ value._class }}': '?9 the name _class: none may begin with _',
      '{{ value': '?0 }} is missing',
      '{% if value %}x': '?15 endif is missing',
      "{{ value | regex_replace('(?=a)', '') }}": '?25 (?…) in a regular expression',
      "{{ value | regex_replace('(a)\\\\1', '') }}": '?25 \\1 in a regular expression',
      '{{ value | float(1, 2, 3) }}': '?9 more arguments than float has',
    };
    for (const [template, wanted] of Object.entries(cases)) assert.equal(render(template), wanted);
  });

  it('is refused when it runs, where it shows only then', () => {
    check('{{ states }}', { x: '! the name states' });
    check('{{ e }}', { x: '! the name e' });
    check('{{ value_json }}', { '{"2": 1, "1": 2}': '! the order of members whose names are numbers' });
  });
});

describe('limits of templates', () => {
  it('hold', () => {
    assert.equal(render(`{{ 1 }}${' '.repeat(4090)}x`), '?4096 more than 4096 bytes');
    assert.match(render(`{{ 1${'+1'.repeat(300)} }}`), /more than 500 nodes/);
    assert.match(render(`{{ ${'('.repeat(60)}1${')'.repeat(60)} }}`), /brackets deeper than 50/);
    assert.match(render("{{ 'x' * 70000 }}"), /! a text that is too long/);
    assert.match(render('{{ value ~ value ~ value }}', 'x'.repeat(30_000)), /! a text of more than 65536/);
    assert.match(
      render('{{ value_json }}', '['.repeat(900) + ']'.repeat(900)),
      /! a text of more than 64 lists/,
    );
  });

  it('keep regular expressions from taking long', () => {
    const evil = "{{ value | regex_replace('(a*)*b', '') }}";
    assert.ok(render(evil, 'a'.repeat(10_000)) === 'a'.repeat(10_000));
    const wide = "{{ value | regex_replace('(a|b|c|d|a|a)*e', '') }}";
    assert.equal(render(wide, 'a'.repeat(60_000)), '! a regular expression that takes too long');
  });

  it('hold before a text is made, however a template would make it', () => {
    const tooLong = /^! a text (that is too long|of more than 65536 characters)$/;
    assert.match(render("{{ '%.999999999d' % 1 }}"), tooLong);
    assert.match(render("{{ value | replace('a', value) }}", 'a'.repeat(60_000)), tooLong);
    assert.match(render("{{ value_json | join('x' * 60000) }}", `[${'1,'.repeat(60_000)}1]`), tooLong);
    assert.match(render("{{ value | regex_replace('z', '') }}", `${'a'.repeat(150_000)}z`), tooLong);
  });

  it('are kept by lists that double, or hold one another', () => {
    const doubled = `{% set a = [1] %}${'{% set a = a + a %}'.repeat(40)}{{ a | length }}`;
    assert.equal(render(doubled), '! a template that takes too long');
    const nested = (name: string): string =>
      `{% set ${name} = [1] %}${`{% set ${name} = [${name}, ${name}] %}`.repeat(30)}`;
    assert.equal(render(`${nested('a')}{{ a | tojson }}`), '! a template that takes too long');
    assert.equal(render(`${nested('a')}${nested('b')}{{ a == b }}`), '! a template that takes too long');
  });

  it('hold for all regular expressions of a template together', () => {
    const many = `{{ value${" | regex_replace('[^b-y]|z', 'a')".repeat(90)} }}`;
    assert.equal(render(many, 'a'.repeat(20_000)), '! a template that takes too long');
  });

  it('hold for ints, as in Python', () => check('{{ value_json }}', { ['9'.repeat(5000)]: '' }));

  it('are none of the names that objects of JavaScript have', () => {
    check('{{ value | float(0) }}', { constructor: '0', ['__proto__']: '0' });
  });
});

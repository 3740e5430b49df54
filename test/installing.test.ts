import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { buildProgram } from '../src/cli/program.ts';
import { defaultConfig } from '../src/hub/config/hub-config.ts';

type Service = {
  readonly command?: string;
  readonly entrypoint?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
};

const dockerfile = readFileSync('Dockerfile', 'utf8');
const compose = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as Compose;
const program = await buildProgram();
const variables = new Set(readFileSync('docs/config.md', 'utf8').match(/\bRECADO_[A-Z_]+/g));
/** Of programs that are no hub. */
for (const name of ['RECADO_BROKER', 'RECADO_TOKEN']) variables.add(name);

describe('the image', () => {
  it('knows the variables that it sets, and opens the ports that the hub has', () => {
    for (const name of dockerfile.match(/\bRECADO_[A-Z_]+/g) ?? []) assert.ok(variables.has(name), name);
    const { http, mqtt, gateways } = defaultConfig();
    const ports = [http.port, mqtt.port, gateways.socket.tcpPort, `${gateways.socket.udpPort}/udp`];
    assert.equal(/^EXPOSE (.*)$/m.exec(dockerfile)?.[1], ports.join(' '));
  });

  it('is made of what there is', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    assert.ok(copied.length > 3);
    for (const name of copied) assert.ok(existsSync(name), name);
  });
});

describe('compose.yaml', () => {
  it('starts commands that there are, with their options and the variables that they know', () => {
    const services = Object.values(compose.services);
    assert.equal(services.length, 7);
    for (const { command = 'hub', entrypoint, environment = {} } of services) {
      for (const name of Object.keys(environment)) assert.ok(variables.has(name), name);
      if (entrypoint !== undefined) continue;
      let known = program;
      for (const word of command.split(' ')) {
        known = known.commands.find((each) => each.name() === word) ?? known;
        if (word.startsWith('--'))
          assert.ok(
            known.options.some(({ long }) => long === word),
            `${command}: ${word}`,
          );
      }
      assert.notEqual(known, program, command);
    }
  });

  it('brings files that there are, and routes as the example has them', () => {
    const files = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
    const own = files.filter((volume) => volume.startsWith('./'));
    assert.ok(own.length > 0);
    for (const volume of own) assert.ok(existsSync(volume.split(':')[0]!), volume);
    const { routes } = parse(readFileSync('examples/ping/gateway.yaml', 'utf8')) as { routes: unknown };
    const content = compose.configs['api-1']!.content.replaceAll('$$', '$');
    assert.deepEqual((parse(content) as { routes: unknown }).routes, routes);
  });
});

const skip = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'there is no systemd here';

describe('the unit of systemd', { skip }, () => {
  it('is one that systemd takes, and leaves the hub little that it could reach', () => {
    const unit = 'systemd/recado.service';
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    assert.deepEqual([verified.status, verified.stderr], [0, '']);
    const words = ['security', '--offline=true', '--threshold=20', unit];
    assert.equal(spawnSync('systemd-analyze', words).status, 0);
  });
});

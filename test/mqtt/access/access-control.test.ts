import assert from 'node:assert/strict';
import { createHash, pbkdf2Sync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { until } from '../../helpers/until.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { ApplicationMessage, ClientInfo, ConnectVerdict } from '../../../src/mqtt/broker/hooks.ts';
import {
  createAccessControl,
  type AccessChange,
  type AccessControl,
  type AccessControlOptions,
} from '../../../src/mqtt/access/access-control.ts';
import { MAX_ACCESS_FILE_BYTES } from '../../../src/mqtt/access/read-access-file.ts';
import { createScramCredentials } from '../../../src/mqtt/access/scram-credentials.ts';
import { SCRAM_SHA_256 } from '../../../src/mqtt/access/scram.ts';

const top = mkdtempSync(join(tmpdir(), 'recado-access-'));
after(() => rmSync(top, { recursive: true }));

/** A folder of its own, with these files. */
function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(top, 'x-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  return folder;
}

/** A cheap hash, as mosquitto_passwd writes it. */
function userLine(name: string, password: string): string {
  const digest = pbkdf2Sync(password, 'salt', 1, 64, 'sha512').toString('base64');
  return `${name}:$7$1$${Buffer.from('salt').toString('base64')}$${digest}\n`;
}

type Person = { clientId?: string; userName?: string; commonName?: string };

function clientOf({ clientId = 'c1', userName, commonName }: Person): ClientInfo {
  const certificate =
    commonName === undefined ? undefined : { commonName, subjectAltName: undefined, fingerprint: '' };
  const peer = { transport: 'tls', address: '127.0.0.1', port: 1, certificate } as const;
  return { clientId, userName, protocolVersion: 5, peer, listener: 'l' };
}

function message(topicName: string): ApplicationMessage {
  return { topicName, qos: 0, retain: false, payload: new Uint8Array(), properties: {} };
}

async function connect(control: AccessControl, person: Person, password?: string): Promise<string> {
  const credentials = {
    userName: person.userName,
    password: password === undefined ? undefined : Buffer.from(password),
  };
  const verdict: ConnectVerdict | undefined = await control.hooks.authenticate?.(
    credentials,
    clientOf(person),
  );
  assert.ok(verdict !== undefined);
  if (!verdict.allow) return `0x${verdict.reasonCode.toString(16)}`;
  return verdict.userName === undefined ? 'in' : `in as ${verdict.userName}`;
}

function mayWrite(control: AccessControl, person: Person, topicName: string): boolean {
  return control.hooks.authorizePublish?.(clientOf(person), message(topicName)).allow ?? true;
}

class Notes implements Logger {
  readonly lines: string[] = [];
  readonly debug = (): void => {};
  readonly info = (_fields: object, text: string): void => void this.lines.push(`info ${text}`);
  readonly warn = (_fields: object, text: string): void => void this.lines.push(`warn ${text}`);
  readonly error = (_fields: object, text: string): void => void this.lines.push(`error ${text}`);
}

describe('who is let in', () => {
  const folder = folderWith({ 'users.txt': userLine('ann', 'secret') });
  const passwordFile = join(folder, 'users.txt');

  it('with a password file: who knows a password', async () => {
    const control = await createAccessControl({ passwordFile });
    assert.equal(await connect(control, { userName: 'ann' }, 'secret'), 'in');
    assert.equal(await connect(control, { userName: 'ann' }, 'guess'), '0x86');
    assert.equal(await connect(control, { userName: 'ann' }), '0x86');
    assert.equal(await connect(control, { userName: 'zoe' }, 'secret'), '0x86');
    assert.equal(await connect(control, {}), '0x87');
    assert.equal(await connect(control, {}, 'secret'), '0x87');
    assert.equal(await connect(control, { userName: 'x', commonName: 'ann' }), '0x86');
  });

  it('allowAnonymous lets those in that give no name, and no others', async () => {
    const control = await createAccessControl({ passwordFile, allowAnonymous: true });
    assert.equal(await connect(control, {}), 'in');
    assert.equal(await connect(control, { userName: 'zoe' }), '0x86');
    assert.equal(await connect(control, { userName: 'ann' }, 'guess'), '0x86');
  });

  it('without anything: everybody, unless that is turned off', async () => {
    const open = await createAccessControl({});
    assert.equal(await connect(open, {}), 'in');
    assert.equal(await connect(open, { userName: 'ann' }, 'whatever'), 'in');
    assert.deepEqual(Object.keys(open.hooks), ['name', 'provesUserNames', 'authenticate']);
    const closed = await createAccessControl({ allowAnonymous: false });
    assert.equal(await connect(closed, {}), '0x87');
    assert.equal(await connect(closed, { userName: 'ann' }, 'whatever'), '0x87');
  });

  it('useCertificateCommonName makes the certificate the name', async () => {
    const only = await createAccessControl({ useCertificateCommonName: true });
    assert.equal(await connect(only, { commonName: 'sensor-7' }), 'in as sensor-7');
    assert.equal(await connect(only, { commonName: 'sensor-7', userName: 'ann' }), 'in as sensor-7');
    assert.equal(await connect(only, {}), '0x87');
    assert.equal(await connect(only, { userName: 'sensor-7' }), '0x86');
    assert.equal(await connect(only, { commonName: '' }), '0x87');
    const both = await createAccessControl({ passwordFile, useCertificateCommonName: true });
    assert.equal(await connect(both, { commonName: 'sensor-7' }), 'in as sensor-7');
    assert.equal(await connect(both, { userName: 'ann' }, 'secret'), 'in');
    const lax = await createAccessControl({ useCertificateCommonName: true, allowAnonymous: true });
    assert.equal(
      await connect(lax, { userName: 'sensor-7' }),
      '0x86',
      'a name that is claimed is not anonymous',
    );
  });

  it('is told when the server is busy', async () => {
    const limits = { maxHashesAtOnce: 1, maxWaitingHashes: 1, maxWaitingHashesPerAddress: 1 };
    const control = await createAccessControl({ passwordFile, limits });
    const answers = [1, 2, 3].map(() => connect(control, { userName: 'ann' }, 'guess'));
    assert.deepEqual(await Promise.all(answers), ['0x86', '0x86', '0x89']);
    assert.equal(control.counters.busy, 1);
  });

  it('SCRAM is there with a password file, for users that may come after', async () => {
    const control = await createAccessControl({ passwordFile });
    assert.deepEqual(
      control.hooks.authenticationMethods?.map(({ name }) => name),
      [SCRAM_SHA_256],
    );
    const begin = async (): Promise<string> => {
      const exchange = control.hooks.authenticationMethods?.[0]?.begin(clientOf({}));
      const step = await exchange?.next(Buffer.from('n,,n=ann,r=abc'));
      assert.ok(step?.step === 'continue');
      return Buffer.from(step.data).toString();
    };
    assert.doesNotMatch(await begin(), /i=4096$/);
    const credentials = await createScramCredentials('secret', { iterations: 4096 });
    writeFileSync(passwordFile, `${userLine('ann', 'secret')}ann:${credentials?.text}\n`);
    assert.ok((await control.reload()).ok);
    assert.match(await begin(), /i=4096$/);
    writeFileSync(passwordFile, userLine('ann', 'secret'));
  });
});

describe('what may be read and written', () => {
  it('is what the access file says, for the hooks of the broker', async () => {
    const folder = folderWith({ 'acl.txt': 'topic read news/#\npattern write s/%c/+\n' });
    const { hooks } = await createAccessControl({ aclFile: join(folder, 'acl.txt') });
    const some = clientOf({});
    assert.deepEqual(hooks.authorizePublish?.(some, message('s/c1/x')), { allow: true });
    const file = join(folder, 'acl.txt');
    const rule = { name: 'no rule', text: `no rule of ${file} permits it` };
    const denied = { allow: false, reasonCode: 0x87, rule };
    assert.deepEqual(hooks.authorizePublish?.(some, message('news/x')), denied);
    assert.deepEqual(await hooks.authorizeSubscribe?.(some, '+/x'), { allow: true });
    assert.deepEqual(await hooks.authorizeSubscribe?.(some, 's/#'), denied);
    assert.equal(hooks.authorizeReceive?.(some, 'news/x'), true);
    assert.deepEqual(hooks.authorizeReceive?.(some, 's/c1/x'), rule);
  });

  it('does not depend on names that nothing proves', async () => {
    const folder = folderWith({ 'acl.txt': 'topic a\n\nuser ann\ntopic b\n', 'users.txt': '' });
    const aclFile = join(folder, 'acl.txt');
    await assert.rejects(createAccessControl({ aclFile }), {
      code: 'CONFIG_INVALID',
      message: `${aclFile}:3: rules for users need a password file: without one, everybody can say to be anybody`,
    });
    for (const proof of [
      { passwordFile: join(folder, 'users.txt') },
      { useCertificateCommonName: true },
      { areUserNamesProvenElsewhere: true },
    ]) {
      const control = await createAccessControl({ aclFile, ...proof });
      assert.equal(mayWrite(control, { userName: 'ann' }, 'b'), true);
      assert.equal(mayWrite(control, {}, 'b'), false);
    }
  });
});

describe('files', () => {
  it('that are bad at the start are an error that names every fault', async () => {
    const folder = folderWith({ 'users.txt': 'ann\n', 'acl.txt': 'topic a\ntopik b\ntopic c#\n' });
    const [passwordFile, aclFile] = [join(folder, 'users.txt'), join(folder, 'acl.txt')];
    await assert.rejects(createAccessControl({ passwordFile, aclFile }), ({ code, message: text }) => {
      assert.equal(code, 'CONFIG_INVALID');
      const lines = String(text).split('\n');
      assert.deepEqual(
        lines.map((line) => line.replace(`${folder}/`, '').split(': ')[0]),
        ['users.txt:1', 'acl.txt:2', 'acl.txt:3'],
      );
      return true;
    });
  });

  it('take effect together, and change nothing when one of them is bad', async () => {
    const folder = folderWith({ 'users.txt': userLine('ann', 'old'), 'acl.txt': 'user ann\ntopic a\n' });
    const [passwordFile, aclFile] = [join(folder, 'users.txt'), join(folder, 'acl.txt')];
    const log = new Notes();
    const changes: AccessChange[] = [];
    const onChanged = (change: AccessChange): void => void changes.push(change);
    const control = await createAccessControl({ passwordFile, aclFile, log, onChanged });
    const state = async (): Promise<unknown[]> => [
      await connect(control, { userName: 'ann' }, 'old'),
      await connect(control, { userName: 'ann' }, 'new'),
      mayWrite(control, { userName: 'ann' }, 'a'),
      mayWrite(control, { userName: 'ann' }, 'b'),
    ];
    const before = ['in', '0x86', true, false];
    assert.deepEqual(await state(), before);

    writeFileSync(passwordFile, userLine('ann', 'new'));
    const breakers: readonly (readonly [() => void, RegExp])[] = [
      [
        () => writeFileSync(aclFile, 'user ann\ntopic b\ntopik c\nx\n'),
        /acl\.txt:3: "topik" .*\(and 1 more\)$/,
      ],
      [() => writeFileSync(aclFile, Buffer.from([0x75, 0xff, 0xfe])), /acl\.txt: is not UTF-8 text$/],
      [
        () => writeFileSync(aclFile, Buffer.alloc(MAX_ACCESS_FILE_BYTES + 1, '\n')),
        /acl\.txt: is larger than 16777216/,
      ],
      [() => rmSync(aclFile), /acl\.txt: does not exist$/],
      [() => mkdirSync(aclFile), /acl\.txt: is no file$/],
    ];
    for (const [breakIt, expected] of breakers) {
      breakIt();
      const result = await control.reload();
      assert.ok(!result.ok && result.failure.length > 0);
      assert.match(log.lines.at(-1) ?? '', /^error the old access rules stay in force: /);
      assert.match(log.lines.at(-1) ?? '', expected);
      assert.deepEqual(await state(), before);
    }
    assert.deepEqual([log.lines.length, changes.length], [breakers.length, 0]);

    rmSync(aclFile, { recursive: true });
    writeFileSync(aclFile, 'user ann\ntopic b\n');
    assert.deepEqual(await control.reload(), {
      ok: true,
      value: { changedUsers: ['ann'], removedUsers: [] },
    });
    assert.deepEqual(await state(), ['0x86', 'in', false, true]);
    assert.deepEqual(changes, [{ changedUsers: ['ann'], removedUsers: [] }]);
    const { reloads, failedReloads } = control.counters;
    assert.deepEqual([reloads, failedReloads], [1, breakers.length]);
  });

  it('a bad password file keeps the old access rules too', async () => {
    const folder = folderWith({ 'users.txt': userLine('ann', 'old'), 'acl.txt': 'topic a\n' });
    const [passwordFile, aclFile] = [join(folder, 'users.txt'), join(folder, 'acl.txt')];
    const control = await createAccessControl({ passwordFile, aclFile });
    writeFileSync(passwordFile, 'ann:hunter2\n');
    writeFileSync(aclFile, 'topic b\n');
    const result = await control.reload();
    assert.ok(!result.ok && !result.failure.join().includes('hunter2'));
    assert.deepEqual([mayWrite(control, {}, 'a'), mayWrite(control, {}, 'b')], [true, false]);
  });

  it('asks for passwords anew after a reload, and says whose changed', async () => {
    const folder = folderWith({
      'users.txt': userLine('ann', 'a') + userLine('bob', 'b') + userLine('eve', 'e'),
    });
    const passwordFile = join(folder, 'users.txt');
    const control = await createAccessControl({ passwordFile });
    for (const [userName, password] of [
      ['ann', 'a'],
      ['bob', 'b'],
    ] as const)
      for (let again = 0; again < 2; again++)
        assert.equal(await connect(control, { userName }, password), 'in');
    assert.deepEqual([control.counters.hashes, control.counters.remembered], [2, 2]);
    writeFileSync(passwordFile, userLine('ann', 'a') + userLine('bob', 'B') + userLine('zoe', 'z'));
    assert.deepEqual(await control.reload(), {
      ok: true,
      value: { changedUsers: ['bob', 'eve'], removedUsers: ['eve'] },
    });
    assert.equal(await connect(control, { userName: 'ann' }, 'a'), 'in');
    assert.equal(await connect(control, { userName: 'bob' }, 'b'), '0x86');
    assert.equal(control.counters.hashes, 4);
  });

  it('end as the last call found them, however many come at once', async () => {
    const folder = folderWith({ 'acl.txt': 'topic a0\n' });
    const aclFile = join(folder, 'acl.txt');
    const control = await createAccessControl({ aclFile });
    const reloads = Array.from({ length: 5 }, (_, index) => {
      writeFileSync(aclFile, `topic a${index}\n`);
      return control.reload();
    });
    await Promise.all(reloads);
    assert.equal(mayWrite(control, {}, 'a4'), true);
  });

  it('a listener that fails does not undo new rules', async () => {
    const folder = folderWith({ 'acl.txt': 'topic a\n' });
    const aclFile = join(folder, 'acl.txt');
    const onChanged = (): never => {
      throw new Error('no');
    };
    const log = new Notes();
    const control = await createAccessControl({ aclFile, onChanged, log });
    writeFileSync(aclFile, 'topic b\n');
    assert.ok((await control.reload()).ok);
    assert.equal(mayWrite(control, {}, 'b'), true);
    assert.match(log.lines.at(-1) ?? '', /^error a listener/);
  });

  it('that others may read are warned of', { skip: process.platform === 'win32' }, async () => {
    const folder = folderWith({ 'users.txt': '' });
    const log = new Notes();
    const passwordFile = join(folder, 'users.txt');
    await createAccessControl({ passwordFile, log });
    assert.deepEqual(log.lines, []);
    rmSync(passwordFile);
    writeFileSync(passwordFile, '', { mode: 0o644 });
    await createAccessControl({ passwordFile, log });
    assert.match(log.lines.join(), /^warn every user of this machine can read .*chmod 600/);
  });

  it('that others may change are warned of', { skip: process.platform === 'win32' }, async () => {
    const folder = folderWith({ 'users.txt': '', 'acl.txt': '' });
    const [passwordFile, aclFile] = [join(folder, 'users.txt'), join(folder, 'acl.txt')];
    for (const file of [passwordFile, aclFile]) chmodSync(file, 0o602);
    const log = new Notes();
    const control = await createAccessControl({ passwordFile, aclFile, log });
    const changes = log.lines.filter((line) => line.startsWith('warn every user of this machine can change'));
    assert.deepEqual(
      changes.map((line) => [line.includes('users.txt'), line.includes('acl.txt')]),
      [
        [true, false],
        [false, true],
      ],
    );
    await control.reload();
    assert.equal(log.lines.filter((line) => line.includes('can change')).length, 4, 'after a reload too');
  });

  it('with hashes of Mosquitto 1 are taken, with a warning', async () => {
    const salt = Buffer.from('twelve bytes');
    const digest = createHash('sha512').update('old').update(salt).digest('base64');
    const lines = Array.from(
      { length: 7 },
      (_, index) => `u${index}:$6$${salt.toString('base64')}$${digest}\n`,
    );
    const folder = folderWith({ 'users.txt': lines.join('') + userLine('ann', 'new') });
    const log = new Notes();
    const control = await createAccessControl({ passwordFile: join(folder, 'users.txt'), log });
    assert.equal(await connect(control, { userName: 'u3' }, 'old'), 'in');
    assert.equal(await connect(control, { userName: 'u3' }, 'new'), '0x86');
    assert.equal(log.lines.length, 1);
    assert.match(
      log.lines[0]!,
      /^warn .*users\.txt has hashes of Mosquitto 1 .*u0, u1, u2, u3, u4 and 2 more; say/u,
    );
  });
});

describe('watching', () => {
  async function watchRules(
    t: TestContext,
    aclFile: string,
    options: AccessControlOptions = {},
  ): Promise<AccessControl & { next(): Promise<unknown> }> {
    let told = Promise.withResolvers<void>();
    const onChanged = (): void => {
      told.resolve();
      told = Promise.withResolvers<void>();
    };
    const control = await createAccessControl({ aclFile, settleMs: 10, onChanged, ...options });
    t.after(() => control.close());
    control.watch();
    return Object.assign(control, { next: () => told.promise });
  }

  it('takes up a file that is written, and one that is put in its place', async (t) => {
    const aclFile = join(folderWith({ 'acl.txt': 'topic a\n' }), 'acl.txt');
    const control = await watchRules(t, aclFile);
    let changed = control.next();
    writeFileSync(aclFile, 'topic bb\n');
    await changed;
    assert.deepEqual([mayWrite(control, {}, 'a'), mayWrite(control, {}, 'bb')], [false, true]);
    changed = control.next();
    writeFileSync(`${aclFile}.new`, 'topic cc\n');
    renameSync(`${aclFile}.new`, aclFile);
    await changed;
    assert.deepEqual([mayWrite(control, {}, 'bb'), mayWrite(control, {}, 'cc')], [false, true]);
  });

  it('takes up a link that is turned round, as Kubernetes does it', async (t) => {
    const folder = folderWith();
    for (const [name, text] of [
      ['one', 'topic a\n'],
      ['two', 'topic b\n'],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'acl.txt'), text);
    }
    symlinkSync('one', join(folder, '..data'));
    symlinkSync('..data/acl.txt', join(folder, 'acl.txt'));
    const control = await watchRules(t, join(folder, 'acl.txt'));
    const changed = control.next();
    symlinkSync('two', join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
    await changed;
    assert.equal(mayWrite(control, {}, 'b'), true);
  });

  it('tells a bad file once, and takes up the next good one', async (t) => {
    const aclFile = join(folderWith({ 'acl.txt': 'topic a\n' }), 'acl.txt');
    const log = new Notes();
    const control = await watchRules(t, aclFile, { log });
    const changed = control.next();
    writeFileSync(aclFile, 'topik a\n');
    await until('the fault is told', () => log.lines.length > 0);
    // Signs without a change.
    for (const name of ['x', 'y']) writeFileSync(`${aclFile}.${name}`, '');
    rmSync(aclFile);
    await until('it is missed', () => log.lines.length > 1);
    writeFileSync(aclFile, 'topic bb\n');
    await changed;
    assert.deepEqual(
      log.lines.map((line) => line.replace(/^(\w+) .*: /, '$1 ')),
      [
        'error "topik" begins no rule; there are user, topic, clientid and pattern',
        'error does not exist',
        'info new access rules are in force',
      ],
    );
  });

  it('says so when a folder cannot be watched, and ends with close', async (t) => {
    const folder = folderWith({ 'acl.txt': 'topic a\n' });
    const clock = new ManualClock();
    const log = new Notes();
    const control = await createAccessControl({ aclFile: join(folder, 'acl.txt'), clock, log });
    t.after(() => control.close());
    rmSync(folder, { recursive: true });
    control.watch();
    control.watch();
    assert.match(log.lines.join(), /^warn changes in .* are seen only every 10000 ms$/);
    mkdirSync(folder);
    writeFileSync(join(folder, 'acl.txt'), 'topic bb\n');
    clock.advance(10_000);
    await until('the change was seen', () => {
      clock.advance(100);
      return control.counters.reloads === 1;
    });
    control.close();
    assert.equal(clock.pending, 0);
  });
});

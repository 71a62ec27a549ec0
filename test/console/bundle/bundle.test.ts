/**
 * The bundle of `mirrorflow doctor`: a real system with secrets everywhere, and none in the file.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redaction } from '../../../console/bundle/redaction.js';
import { ConsoleSystem } from '../system.js';

const SHARED = 'correct horse battery staple';
const GATEWAY_TOKEN = 'gateway-token-of-a-test';
const ARGUMENT = '--password=hunter2hunter2';
const PRINTED = 'printed by a program';

describe('mirrorflow doctor --bundle', () => {
  const system = new ConsoleSystem();

  after(() => system.close());

  it('the bundle has versions, findings, states, configuration and logs, and no secret', async () => {
    const file = (name: string): string => join(system.root, name);
    for (const [name, text] of [
      ['secret', SHARED],
      ['token', GATEWAY_TOKEN],
    ] as const)
      writeFileSync(file(name), `${text}\n`, { mode: 0o600 });
    const configuration = {
      listen: 'tcp://127.0.0.1:0',
      secretFile: file('secret'),
      applications: [
        {
          name: 'e1',
          gateway: { restPort: 0, mirrorPort: 0, changesTokenFile: file('token') },
          programs: { viewer: { command: '/bin/true', args: [ARGUMENT] } },
        },
      ],
    };
    writeFileSync(file('host.json'), JSON.stringify(configuration));
    await system.json('host', 'start', '--config', file('host.json'));
    // What a careless program could make a server log.
    const log = join(system.directory, 'logs', 'app-server-e1.log');
    appendFileSync(log, `{"level":"warn","message":"${SHARED} and ${GATEWAY_TOKEN}"}\n`);
    writeFileSync(join(system.directory, 'logs', 'program-e1@viewer.log'), PRINTED);

    const bundle = file('report.tar.gz');
    const { stdout } = await system.run('doctor', '--bundle', bundle);
    expect(stdout).to.contain('host server');
    expect(statSync(bundle).mode & 0o777).to.equal(0o600);
    const unpacked = file('unpacked');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', bundle, '-C', unpacked]);
    const names = readdirSync(unpacked, { recursive: true, encoding: 'utf8' });
    const texts = new Map(
      names
        .filter((name) => statSync(join(unpacked, name)).isFile())
        .map((name) => [name.replace('mirrorflow-bundle/', ''), readFileSync(join(unpacked, name), 'utf8')]),
    );
    expect([...texts.keys()]).to.include.members([
      'README',
      'versions.json',
      'findings.json',
      'states.json',
      'configuration.json',
      'logs-0/host-server.log',
      'logs-0/app-server-e1.log',
    ]);
    expect(JSON.parse(texts.get('states.json') ?? '')).to.have.nested.property('applications[0].name', 'e1');
    expect(JSON.parse(texts.get('configuration.json') ?? '')).to.have.property('secretFile', file('secret'));
    expect(texts.get('logs-0/app-server-e1.log')).to.contain('[removed] and [removed]');

    const tokens = readdirSync(system.directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.token'))
      .map((name) => readFileSync(join(system.directory, name), 'utf8').trim());
    expect(tokens).to.not.be.empty;
    for (const [name, text] of texts)
      for (const secret of [SHARED, GATEWAY_TOKEN, ARGUMENT, PRINTED, ...tokens])
        expect(text, name).to.not.contain(secret);
  });

  it('an existing file is not replaced, and the command says so', async () => {
    const existing = join(system.root, 'existing');
    writeFileSync(existing, 'mine');
    const { exit, stderr } = await system.run('doctor', '--bundle', existing);
    expect(exit).to.equal(1);
    expect(stderr).to.contain(`cannot be written to ${existing}`);
    expect(readFileSync(existing, 'utf8')).to.equal('mine');
  });
});

describe('the redaction of a bundle', () => {
  const redaction = new Redaction(['a secret of users\nits successor\n', 'short']);

  it('known secrets are removed, every line of a file with secrets', () => {
    expect(redaction.text('x a secret of users y its successor short')).to.equal(
      'x [removed] y [removed] short',
    );
  });

  it('a known secret is removed in a line of JSON and in an address too', () => {
    const quoted = new Redaction(['a "quoted" one']);
    for (const form of ['a \\"quoted\\" one', 'a%20%22quoted%22%20one'])
      expect(quoted.text(`x ${form} y`)).to.equal('x [removed] y');
  });

  it('what looks like a secret is removed', () => {
    for (const [text, secret] of [
      [`proof ${'0a'.repeat(32)} of`, '0a'.repeat(32)],
      [`key ${'Ab1+'.repeat(11)}= of`, 'Ab1+'.repeat(11)],
      ['Authorization: Bearer abc.def', 'abc.def'],
      ['http://user:word@host/x', 'user:word'],
      ['GET /?token=abc&x=1', 'abc'],
      ['{"password": "abc"}', 'abc'],
      ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', 'AAAA'],
    ] as const)
      expect(redaction.text(text)).to.not.contain(secret);
  });

  it('paths, names, addresses and numbers stay', () => {
    const text =
      '{"path":"/run/mirrorflow/links/0123456789abcdef.sock","at":1788,"flow":"events","secretFile":"/etc/s"}';
    expect(redaction.text(text)).to.equal(text);
  });

  it('arguments of programs and members that are named as secrets are removed from values', () => {
    expect(
      redaction.value({ url: 'https://x/y', args: ['a'], tokenFile: '/t', deep: [{ apiToken: 'q' }] }),
    ).to.deep.equal({
      url: '[removed]',
      args: '[removed]',
      tokenFile: '/t',
      deep: [{ apiToken: '[removed]' }],
    });
  });
});

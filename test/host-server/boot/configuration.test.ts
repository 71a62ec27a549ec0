/** The reader of the configuration file: a pure function. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseConfiguration } from '../../../host-server/boot/configuration.js';

function problems(content: unknown): string[] {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const result = parseConfiguration(text);
  return result.kind === 'configuration'
    ? []
    : result.problems.map(({ key, message }) => `${key} ${message}`);
}

describe('configuration of the host server', () => {
  it('an integrity other than on or off is refused with the value', () => {
    expect(problems({ integrity: 'none' })).to.deep.equal([
      'integrity must be "on" or "off", and is the string "none"',
    ]);
  });

  it('a webhook or command of alarms is refused with the key that is wrong', () => {
    const alarms = (value: unknown): string[] => problems({ alarms: value });
    expect(alarms({})).to.deep.equal(['alarms must have a webhook or a command']);
    expect(alarms({ webhook: { url: 'ftp://example.org' } })[0]).to.match(/^alarms\.webhook\.url must be/);
    expect(alarms({ webhook: { url: 'http://a:b@example.org' } })[0]).to.include('must not have a user');
    expect(alarms({ webhook: { url: 'http://e.org', tokenFile: 'token' } })[0]).to.include('absolute path');
    expect(alarms({ command: { program: 'mail' } })[0]).to.match(
      /^alarms\.command\.program must be an absolute/,
    );
    expect(alarms({ command: { program: '/bin/mail', arguments: 'a b' } })[0]).to.include('an array');
    expect(alarms({ command: { program: '/bin/mail', shell: true } })[0]).to.match(/shell is not known/);
    expect(alarms({ command: { program: '/bin/mail' }, timeoutMs: 1 })[0]).to.include('from 100 to 60000');
    expect(alarms({ command: { program: '/bin/mail', arguments: ['-s', 'alarm'] } })).to.deep.equal([]);
  });

  it('all documented keys are accepted', () => {
    const application = {
      name: 'e23001',
      source: 'spectcl://daq.example.org?rest=8000&mirror=8001&user=exp',
      updateIntervalMs: 250.5,
      lingerMs: 0,
      ringBytes: 2 ** 30,
      port: 7400,
      stallTimeoutMs: 5000,
      programs: { viewer: { command: '/usr/bin/viewer', args: ['--app', 'e23001'] } },
      record: {
        flows: ['spectra', 'events'],
        directory: '/data/recordings',
        everyMs: 5_000,
        forMs: 28_800_000,
        rotateBytes: 2 ** 30,
        keepMs: 604_800_000,
        keepBytes: 50 * 2 ** 30,
        compress: 'none',
        hold: true,
      },
    };
    const text = JSON.stringify({
      listen: 'tcp://127.0.0.1:0',
      integrity: 'off',
      directory: '/run/mirrorflow',
      flowDirectory: '/dev/shm/mirrorflow',
      alarms: { webhook: { url: 'https://example.org/hook' } },
      applications: [application, { name: 'other' }],
    });
    expect(parseConfiguration(`\u{FEFF}${text}`)).to.deep.equal({
      kind: 'configuration',
      configuration: {
        listen: { scheme: 'tcp', host: '127.0.0.1', port: 0 },
        integrity: 'off',
        directory: '/run/mirrorflow',
        flowDirectory: '/dev/shm/mirrorflow',
        alarms: { webhook: { url: 'https://example.org/hook' }, timeoutMs: 10_000 },
        applications: [application, { name: 'other' }],
      },
    });
    expect(parseConfiguration('{}')).to.deep.equal({
      kind: 'configuration',
      configuration: { applications: [] },
    });
  });

  it('how a host takes part over NATS is checked, with the place of each mistake', () => {
    const nats = {
      address: 'nats://hub.example.org:4222/e23001',
      site: 'gsi',
      domain: 'hub',
      credentialsFile: '/etc/mirrorflow/gsi.creds',
      tls: true,
      publish: [
        { app: 'e23001', flows: ['spectra'] },
        { app: 'daq', wan: 'stored', storeSeconds: 3600 },
      ],
      allowStart: ['frib'],
      siteKeys: { frib: `${'A'.repeat(43)}=` },
    };
    expect(parseConfiguration(JSON.stringify({ nats }))).to.deep.equal({
      kind: 'configuration',
      configuration: { nats, applications: [] },
    });
    const wrong = (more: object): string[] => problems({ nats: { ...nats, ...more } });
    expect(wrong({ address: 'nats://hub' })[0]).to.match(/^nats "nats:\/\/hub" is not a valid address/);
    expect(wrong({ tlsCaFile: 'ca.pem' })[0]).to.match(/^nats\.tlsCaFile must be absolute path/);
    expect(wrong({ publish: [{ app: 'a b' }] })[0]).to.match(/"a b" is not a name of an? application/);
    expect(wrong({ publish: [{ app: 'a', wan: 'fast' }] })[0]).to.match(/^nats\.publish\[0\]\.wan must be/);
    expect(wrong({ siteKeys: { frib: 'key' } })[0]).to.match(/^nats\.siteKeys\.frib must be the public key/);
    expect(wrong({ take: [] })[0]).to.match(/^nats has no member "take"/);
    expect(problems({ nats: [] })[0]).to.match(/^nats must be a struct/);
  });

  it('all problems are reported at once, each with its key, the value and what is allowed', () => {
    const reported = problems({
      listen: 'http://localhost',
      directory: 'run',
      flows: 1,
      applications: [
        { name: 'a', port: 70000 },
        { name: 'a b' },
        { name: 'c', colour: 'red' },
        { source: 'spectcl://daq' },
        { name: 'd', source: 'nowhere' },
        7,
      ],
    });
    expect(reported).to.have.length(9);
    expect(reported[0]).to.equal(
      'flows is not known; the keys are listen, hostName, peers, discover, dataPorts, integrity, secretFile, tlsCert, tlsKey, tlsCa, directory, flowDirectory, web, alarms, nats, applications',
    );
    expect(reported[1]).to.match(/^listen "http:\/\/localhost" is not a valid address/);
    expect(reported[2]).to.equal('directory must be an absolute path, and is the string "run"');
    expect(reported[3]).to.match(/^applications\[0\]\.port must be .*0 to 65535\), and is 70000$/);
    expect(reported[4]).to.match(/^applications\[1\] "a b" is not a name of a/);
    expect(reported[5]).to.match(/^applications\[2\] has no member "colour"; its members are name, source/);
    expect(reported[6]).to.match(
      /^applications\[3\]\.name must be the name of an application, and is nothing$/,
    );
    expect(reported[7]).to.match(/^applications\[4\] "nowhere" is not a valid address/);
    expect(reported[8]).to.match(/^applications\[5\] must be a struct .*, and is 7$/);
  });

  it('access for unknown accounts is refused, for known accounts accepted', () => {
    const withAccess = (access: unknown) => problems({ applications: [{ name: 'a', access }] }).join('\n');
    expect(withAccess({ readers: ['no-such-user'] })).to.contain('no user no-such-user');
    expect(withAccess({ group: 'no-such-group' })).to.contain('no group no-such-group');
    expect(withAccess({ mode: 'world' })).to.contain('applications[0].access.mode');
    expect(withAccess({ mode: 'everyone', readers: ['root', '@root'] })).to.equal('');
  });

  it('what is recorded is refused with its member and what is allowed', () => {
    const withRecord = (record: unknown) => problems({ applications: [{ name: 'a', record }] });
    expect(withRecord({})[0]).to.match(
      /^applications\[0\]\.record\.flows must be an array .*, and is nothing$/,
    );
    const flows = ['spectra'];
    expect(withRecord({ flows: [] })[0]).to.match(/^applications\[0\].* flows is empty/);
    expect(withRecord({ flows: ['a', 'a'] })[0]).to.match(/flows names "a" twice/);
    expect(withRecord({ flows, directory: 'here' })[0]).to.match(/directory is "here"; .*absolute path/);
    expect(withRecord({ flows, hold: true, lossy: true })[0]).to.match(/hold and lossy exclude each other/);
    expect(withRecord({ flows, rotateBytes: 1 })[0]).to.match(/record\.rotateBytes must be .*1048576/);
    expect(withRecord({ flows, compress: 'lz4' })[0]).to.match(
      /record\.compress must be one of "none", "zstd"/,
    );
    expect(withRecord({ flows, every: 5 })[0]).to.match(/record has no member "every"/);
  });

  it('programs without an absolute path and bad program names are refused', () => {
    const withPrograms = (programs: unknown) =>
      problems({ applications: [{ name: 'a', programs }] }).join('\n');
    expect(withPrograms({ v: { command: 'ls' } }))
      .to.include('applications[0].programs.v.command')
      .and.to.include('absolute');
    expect(withPrograms({ '../v': { command: '/bin/ls' } })).to.include('is not a name of a program');
    expect(withPrograms({ v: { command: '/bin/ls', shell: true } })).to.include('no member "shell"');
  });

  it('two applications of one name are refused', () => {
    expect(problems({ applications: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] })).to.deep.equal([
      'applications[2].name is "a" as in applications[0]; each name may stand once',
    ]);
  });

  it('addresses of other hosts are accepted, and bad ones reported', () => {
    const peers = ['tcp://daq:7390', 'tls://[::1]:7390'];
    expect(problems({ hostName: 'a', peers, discover: true, dataPorts: '7400-7499' })).to.deep.equal([]);
    const wrong = problems({ hostName: '/', peers: ['daq', 'unix:/x'], discover: 1, dataPorts: '9-8' });
    expect(wrong.map((problem) => problem.split(' ')[0])).to.deep.equal([
      'hostName',
      'peers[0]',
      'peers[1]',
      'discover',
      'dataPorts',
    ]);
  });

  it('a value of another type is reported by its type, whatever its members are', () => {
    expect(problems({ dataPorts: { toString: 0 } })[0]).to.contain('is object; it must be a range of ports');
  });

  it('text that is no JSON is reported, comments included', () => {
    expect(problems('{ // here\n}')[0]).to.match(
      /is not JSON: .*comments and trailing commas are not allowed/,
    );
    expect(problems('[]')[0]).to.contain('must be an object');
    expect(problems('null')[0]).to.contain('must be an object');
    expect(problems('{"applications":{}}')[0]).to.contain('applications must be an array');
  });

  it('any text and any JSON give a configuration or problems', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = parseConfiguration(text);
        if (result.kind === 'problems') expect(result.problems).not.to.be.empty;
      }),
    );
    const entry = fc.record(
      {
        name: fc.oneof(fc.constantFrom('a', 'b', ''), fc.jsonValue()),
        source: fc.jsonValue(),
        port: fc.oneof(fc.nat(99_999), fc.jsonValue()),
        ringBytes: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const file = fc.record(
      {
        listen: fc.oneof(fc.constantFrom('tcp://localhost:0', 'tcp://0.0.0.0:0'), fc.jsonValue()),
        directory: fc.jsonValue(),
        applications: fc.oneof(fc.array(entry), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(file, (content) => {
        const result = parseConfiguration(JSON.stringify(content));
        if (result.kind === 'configuration') {
          const names = result.configuration.applications.map(({ name }) => name);
          expect(new Set(names).size).to.equal(names.length);
        } else expect(result.problems.every(({ message }) => message !== '')).to.be.true;
      }),
    );
  });
});

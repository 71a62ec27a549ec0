import { expect } from 'chai';
import { parseOptions } from '../../duplicator/options.js';
import { MirrorflowError } from '../../protocol/base/errors.js';

const GOOD = ['--app', 'e23001', '--flow', 'spectra', '--connect', 'spectcl://daq?rest=8000&mirror=8001'];

function refused(args: readonly string[]): { code: string; message: string } {
  try {
    parseOptions(args, {});
  } catch (error) {
    if (error instanceof MirrorflowError) return error;
    throw error;
  }
  throw new Error(`${args.join(' ')} was taken`);
}

describe('the options of a duplicator', () => {
  it('have defaults for all but the flow and its source', () => {
    const options = parseOptions(GOOD, { MIRRORFLOW_DIR: '/run/mf', MIRRORFLOW_FLOW_DIR: '/dev/shm/mf' });
    expect(options).to.deep.equal({
      app: 'e23001',
      flow: 'spectra',
      direction: 'input',
      type: 'spectra',
      source: { scheme: 'spectcl', host: 'daq', rest: 8000, mirror: 8001 },
      sourceText: 'spectcl://daq?rest=8000&mirror=8001',
      access: undefined,
      stallTimeoutMs: 0,
      updateIntervalMs: 100,
      sourceShare: 0.05,
      idleIntervalMs: 500,
      fullIntervalMs: 60_000,
      startTimeoutMs: 800,
      lingerMs: 30_000,
      reattachMs: 2_000,
      ringBytes: 48 * 1024 * 1024,
      parent: undefined,
      directory: '/run/mf',
      flowDirectory: '/dev/shm/mf',
      security: { secretFile: undefined, tlsCert: undefined, tlsKey: undefined, tlsCa: undefined },
      serve: undefined,
    });
  });

  it('take the duplicator of another host as a source, and what proves this one to it', () => {
    const options = parseOptions(
      ['--app', 'e23001', '--flow', 'events', '--source', 'tls://daq:4100', '--secret-file', '/etc/mf/secret', '--crc'],
      { MIRRORFLOW_TLS_CA: '/etc/mf/ca.pem' },
    ); // prettier-ignore
    expect(options).to.deep.include({
      direction: 'remote',
      type: undefined,
      source: { scheme: 'tls', host: 'daq', port: 4100 },
      buffers: undefined,
      ringBytes: undefined,
      crc: true,
      security: {
        secretFile: '/etc/mf/secret',
        tlsCert: undefined,
        tlsKey: undefined,
        tlsCa: '/etc/mf/ca.pem',
      },
    });
  });

  it('never idle faster than they update', () => {
    const options = parseOptions([...GOOD, '--update-interval', '2000', '--linger', '0'], {});
    expect(options).to.include({ updateIntervalMs: 2000, idleIntervalMs: 2000, lingerMs: 0 });
  });

  for (const [args, code, said] of [
    [[], 'BAD_OPTION', '--app is missing'],
    [GOOD.slice(2), 'BAD_OPTION', '--app is missing'],
    [[...GOOD, '--app', '../etc'], 'BAD_NAME', '../etc'],
    [[...GOOD, '--connect', 'tcp://daq:1'], 'BAD_ADDRESS', 'spectcl://'],
    [[...GOOD, '--source', 'tcp://daq:1'], 'BAD_OPTION', '--connect and --source'],
    [[...GOOD.slice(0, 4), '--source', 'unix:/s'], 'BAD_ADDRESS', 'tcp://'],
    [[...GOOD, '--direction', 'output'], 'BAD_OPTION', '--buffer-size is missing'],
    [[...GOOD, '--direction', 'up'], 'BAD_OPTION', '--direction is "up"'],
    [[...GOOD, '--linger', 'soon'], 'BAD_OPTION', '--linger is "soon"; it must be a number from 0'],
    [[...GOOD, '--linger', ''], 'BAD_OPTION', '--linger'],
    [[...GOOD, '--update-interval=-1'], 'BAD_OPTION', '--update-interval'],
    [[...GOOD, '--ring-bytes', '1e12'], 'BAD_OPTION', '--ring-bytes'],
    [[...GOOD, '--type', 'a b'], 'BAD_OPTION', '"a b" is not a flow type'],
    [[...GOOD, '--colour', 'red'], 'BAD_OPTION', '--colour'],
    [[...GOOD, 'more'], 'BAD_OPTION', 'more'],
    [[...GOOD, '--directory', 'here'], 'BAD_OPTION', 'absolute'],
  ] as const) {
    it(`refuses ${args.slice(6).join(' ') || args.slice(0, 1).join('') || 'nothing at all'} as ${code}`, () => {
      const error = refused(args);
      expect([error.code, error.message.includes(said)]).to.deep.equal([code, true], error.message);
    });
  }
});

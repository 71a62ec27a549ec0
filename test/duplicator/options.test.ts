/** The command line of a duplicator: defaults, limits and refusals. Pure. */
import { expect } from 'chai';
import { parseOptions } from '../../duplicator/options.js';
import { MirrorflowError } from '../../protocol/base/errors.js';

const SIZES = ['--buffer-size', '0', '--buffers', '0'];
const MIRROR = [
  ...['--flow', 'spectra'].concat(SIZES),
  ...['--input', '--connect', 'spectcl://daq?rest=8000'].concat('--port', '8001'),
];
const DOCUMENT = ['--options', '{"application":"e23001"}'];
const GOOD = [...MIRROR, ...DOCUMENT];
const OUTPUT = '--flow events --buffer-size 100 --buffers 4 --output'.split(' ');

function document(members: object): string[] {
  return ['--options', JSON.stringify({ application: 'e23001', ...members })];
}

function refused(args: readonly string[]): { code: string; message: string } {
  try {
    parseOptions(args, {});
  } catch (error) {
    if (error instanceof MirrorflowError) return error;
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}

describe('options of a duplicator', () => {
  it('all but the flow and its source have defaults', () => {
    const options = parseOptions(GOOD, { MIRRORFLOW_DIR: '/run/mf', MIRRORFLOW_FLOW_DIR: '/dev/shm/mf' });
    expect(options).to.deep.equal({
      application: 'e23001',
      app: 'e23001',
      flow: 'spectra',
      direction: 'input',
      type: 'spectra',
      source: { scheme: 'spectcl', host: 'daq', rest: 8000, mirror: 8001 },
      sourceText: 'spectcl://daq?rest=8000&mirror=8001',
      access: undefined,
      stallTimeoutMs: 0,
      updateIntervalMs: 100,
      sourceSharePercent: 5,
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

  it('a stated interval is fixed, unless a share of the source’s time is stated as well', () => {
    const pace = (members: object) => {
      const options = parseOptions([...MIRROR, ...document(members)], {});
      if (options.direction !== 'input') throw new Error('not a mirror');
      return [options.updateIntervalMs, options.sourceSharePercent];
    };
    expect(pace({ updateIntervalMs: 50 })).to.deep.equal([50, 0]);
    expect(pace({ sourceSharePercent: 10 })).to.deep.equal([100, 10]);
    expect(pace({ updateIntervalMs: 50, sourceSharePercent: 10 })).to.deep.equal([50, 10]);
  });

  it('an input connects to the duplicator of another host', () => {
    const words = ['--flow', 'events', ...SIZES, '--input', '--connect', 'tls://daq', '--port', '4100'];
    const given = document({ secretFile: '/etc/mf/secret', crc: true });
    const options = parseOptions([...words, ...given], { MIRRORFLOW_TLS_CA: '/etc/mf/ca.pem' });
    expect(options).to.deep.include({
      direction: 'remote',
      type: undefined,
      source: { scheme: 'tls', host: 'daq', port: 4100 },
      sourceText: 'tls://daq:4100',
      buffers: undefined,
      ringBytes: undefined,
      crc: true,
      startTimeoutMs: 5_000,
      security: {
        secretFile: '/etc/mf/secret',
        tlsCert: undefined,
        tlsKey: undefined,
        tlsCa: '/etc/mf/ca.pem',
      },
    });
  });

  it('a bare host name is connected to over TCP, and a service name is a port of SpecTcl', () => {
    const input = ['--flow', 'events', '--input', ...DOCUMENT];
    expect(parseOptions([...input, '--connect', 'daq', '--port', '4100'], {})).to.include({
      sourceText: 'tcp://daq:4100',
    });
    expect(parseOptions([...input, '--connect', 'tcp://[::1]:4100'], {})).to.include({
      sourceText: 'tcp://[::1]:4100',
    });
    const mirror = [...input, '--connect', 'spectcl://daq?rest=80&user=fox', '--port', 'Run_Mirror'];
    expect(parseOptions(mirror, {})).to.include({
      sourceText: 'spectcl://daq?rest=80&mirror=Run_Mirror&user=fox',
    });
  });

  it('an output listens on its port for other hosts', () => {
    const port = [...OUTPUT, '--port', '4200'];
    expect(parseOptions([...OUTPUT, '--port', '0', ...DOCUMENT], {}).serve).to.equal(undefined);
    expect(parseOptions([...port, ...DOCUMENT], {}).serve).to.deep.equal({
      scheme: 'tcp',
      host: '127.0.0.1',
      port: 4200,
    });
    const listen = document({ listen: 'tls://0.0.0.0' });
    expect(parseOptions([...OUTPUT, '--port', '0', ...listen], {}).serve).to.deep.equal({
      scheme: 'tls',
      host: '0.0.0.0',
      port: 0,
    });
  });

  it('a mirror never idles faster than it updates', () => {
    const options = parseOptions([...MIRROR, ...document({ updateIntervalMs: 2000, lingerMs: 0 })], {});
    expect(options).to.include({ updateIntervalMs: 2000, idleIntervalMs: 2000, lingerMs: 0 });
  });

  it('waits come from the environment where no option states them', () => {
    const env = { MIRRORFLOW_START_TIMEOUT: '45000', MIRRORFLOW_REATTACH: '7' };
    expect(parseOptions(GOOD, env)).to.include({ startTimeoutMs: 45_000, reattachMs: 7 });
    const stated = [...MIRROR, ...document({ startTimeoutMs: 9 })];
    expect(parseOptions(stated, env)).to.include({ startTimeoutMs: 9, reattachMs: 7 });
    expect(() => parseOptions(GOOD, { MIRRORFLOW_REATTACH: 'long' })).to.throw('options.reattachMs must be');
  });

  for (const [args, code, reason] of [
    [[], 'BAD_OPTION', '--flow is missing'],
    [['--flow', 'spectra', ...DOCUMENT], 'BAD_OPTION', 'either --input'],
    [[...GOOD, '--output'], 'BAD_OPTION', 'either --input'],
    [MIRROR, 'BAD_OPTION', '--options is missing'],
    [[...MIRROR, '--options', '{}'], 'BAD_OPTION', 'options.application must be'],
    [[...MIRROR, '--options', '{"application":"../etc"}'], 'BAD_NAME', '../etc'],
    [['--flow', 'spectra', '--input', ...DOCUMENT], 'BAD_OPTION', '--connect is missing'],
    [[...GOOD, '--connect', 'unix:/s'], 'BAD_ADDRESS', 'tcp://'],
    [[...GOOD, '--connect', 'spectcl://daq?mirror=1'], 'BAD_ADDRESS', 'twice'],
    [['--flow', 'events', '--output', ...DOCUMENT], 'BAD_OPTION', '--buffer-size is missing'],
    [[...OUTPUT, '--buffers', '0', ...DOCUMENT], 'BAD_OPTION', '--buffers is "0"'],
    [[...OUTPUT, '--connect', 'daq', ...DOCUMENT], 'BAD_OPTION', '--connect is for --input'],
    [[...MIRROR, ...document({ lingerMs: 'soon' })], 'BAD_OPTION', 'options.lingerMs must be'],
    [[...MIRROR, ...document({ updateIntervalMs: -1 })], 'BAD_OPTION', 'options.updateIntervalMs'],
    [[...MIRROR, ...document({ ringBytes: 1e12 })], 'BAD_OPTION', 'options.ringBytes'],
    [[...MIRROR, ...document({ type: 'a b' })], 'BAD_OPTION', '"a b" is not a flow type'],
    [[...MIRROR, ...document({ properties: [] })], 'BAD_OPTION', 'options.properties'],
    [[...MIRROR, ...document({ colour: 'red' })], 'BAD_OPTION', 'colour'],
    [[...GOOD, '--colour', 'red'], 'BAD_OPTION', '--colour'],
    [[...GOOD, 'more'], 'BAD_OPTION', 'more'],
    [[...MIRROR, ...document({ directory: 'here' })], 'BAD_OPTION', 'absolute'],
  ] as const) {
    it(`a duplicator refuses "${args.slice(-2).join(' ')}": ${reason}`, () => {
      const error = refused(args);
      expect([error.code, error.message.includes(reason)]).to.deep.equal([code, true], error.message);
    });
  }
});

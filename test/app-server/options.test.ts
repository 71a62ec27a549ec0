import { expect } from 'chai';
import { duplicatorArguments } from '../../app-server/flows/launch-duplicator.js';
import { parseOptions } from '../../app-server/options.js';
import { spectraDefinition } from '../../app-server/flows/flow-definition.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';

const SOURCE = 'spectcl://host?rest=1&mirror=2';

function codeOf(...args: string[]): string {
  try {
    parseOptions(args, {}, 1000);
    return 'none';
  } catch (error) {
    return isMirrorflowError(error) ? error.code : String(error);
  }
}

describe('options of the app server', () => {
  it('take directories from the command line, then from the environment', () => {
    const env = { MIRRORFLOW_DIR: '/run/a', MIRRORFLOW_FLOW_DIR: '/dev/shm/a', MIRRORFLOW_PORT: '4000' };
    const { security, dataListen, ...fromEnvironment } = parseOptions(['--name', 'e1'], env, 1000);
    expect(security.secret).to.equal(undefined);
    expect(dataListen).to.deep.equal({ scheme: 'tcp', host: '127.0.0.1', ports: undefined });
    expect(fromEnvironment).to.deep.equal({
      directory: '/run/a',
      flowDirectory: '/dev/shm/a',
      application: { name: 'e1', port: 0 },
    });
    const stated = parseOptions(['--name', 'e1', '--directory', '/b', '--flow-dir', '/c'], env, 1000);
    expect(stated).to.include({ directory: '/b', flowDirectory: '/c' });
  });

  it('are refused with the name of the option', () => {
    expect(codeOf()).to.equal('BAD_OPTION');
    expect(codeOf('--name', '../e1')).to.equal('BAD_NAME');
    expect(codeOf('--name', 'e1', '--source', 'tcp://host:1')).to.equal('BAD_ADDRESS');
    for (const [option, value] of [
      ['--port', '65536'],
      ['--port', '1.5'],
      ['--linger', 'soon'],
      ['--update-interval', ''],
      ['--ring-bytes', '3000000000'],
      ['--stall-timeout', '-1'],
      ['--programs', '{"a":{"command":"relative"}}'],
      ['--unknown', '1'],
    ] as const) {
      expect(codeOf('--name', 'e1', option, value), option).to.equal('BAD_OPTION');
    }
  });

  it('reach the duplicator of the spectra', () => {
    const args = [
      '--name',
      'e1',
      '--source',
      SOURCE,
      '--linger',
      '5',
      '--update-interval',
      '0',
      '--stall-timeout',
      '9',
    ];
    const options = parseOptions([...args, '--directory', '/b', '--flow-dir', '/c'], {}, 1000);
    const source = options.application.source ?? '';
    expect(duplicatorArguments(spectraDefinition(source), options).join(' ')).to.equal(
      `--app e1 --flow spectra --type spectra --direction input --connect ${source} --update-interval 0 --linger 5 ` +
        '--stall-timeout 9 --parent /b/apps/e1.sock --directory /b --flow-dir /c',
    );
  });
});

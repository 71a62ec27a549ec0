/** The command line of an app server: precedence, refusals, and what duplicators get of it. */
import { expect } from 'chai';
import { argumentsOf } from '../../app-server/flows/launch-duplicator.js';
import { parseOptions } from '../../app-server/options.js';
import { definitionOfProvider, spectraDefinition } from '../../app-server/flows/flow-definition.js';
import { parseOptions as parseDuplicatorOptions } from '../../duplicator/options.js';
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
  it('directories come from the options, then from the environment', () => {
    const env = { MIRRORFLOW_DIR: '/run/a', MIRRORFLOW_FLOW_DIR: '/dev/shm/a', MIRRORFLOW_STATE_DIR: '/s' };
    const { security, dataListen, links, ...fromEnvironment } = parseOptions(['--name', 'e1'], env, 1000);
    expect(security.secret).to.equal(undefined);
    expect(dataListen).to.deep.equal({ scheme: 'tcp', host: '127.0.0.1', ports: undefined });
    expect(links).to.deep.equal({ integrity: undefined, peers: undefined });
    expect(fromEnvironment).to.deep.equal({
      directory: '/run/a',
      flowDirectory: '/dev/shm/a',
      stateDirectory: '/s',
      application: { name: 'e1', port: 0 },
    });
    const document = '{"directory":"/b","flowDirectory":"/c"}';
    const stated = parseOptions(['--name', 'e1', '--options', document], env, 1000);
    expect(stated).to.include({ directory: '/b', flowDirectory: '/c' });
  });

  it('a bad option is refused with its name', () => {
    expect(codeOf()).to.equal('BAD_OPTION');
    expect(codeOf('--name', '../e1')).to.equal('BAD_NAME');
    expect(codeOf('--name', 'e1', '--options', '{"source":"tcp://host:1"}')).to.equal('BAD_ADDRESS');
    for (const [option, value] of [
      ['--port', '65536'],
      ['--port', '1.5'],
      ['--port', ''],
      ['--options', '{"lingerMs":"soon"}'],
      ['--options', '{"updateIntervalMs":-1}'],
      ['--options', '{"ringBytes":3000000000}'],
      ['--options', '{"stallTimeoutMs":-1}'],
      ['--options', '{"programs":{"a":{"command":"relative"}}}'],
      ['--options', '{"source":"spectcl://h?rest=1&mirror=2","via":"daq"}'],
      ['--options', '{"unknown":1}'],
      ['--options', '[]'],
      ['--options', 'null'],
      ['--options', '{'],
      ['--unknown', '1'],
    ] as const) {
      expect(codeOf('--name', 'e1', option, value), value).to.equal('BAD_OPTION');
    }
  });

  it('the settings of an application reach the duplicators of its flows as they are', () => {
    const settings = { source: SOURCE, lingerMs: 5, updateIntervalMs: 0, stallTimeoutMs: 9 };
    const links = { integrity: 'off', peers: ['daq', '10.0.0.1'] };
    const document = { ...settings, ...links, directory: '/b', flowDirectory: '/c' };
    const options = parseOptions(['--name', 'e1', '--options', JSON.stringify(document)], {}, 1000);
    const words = argumentsOf(spectraDefinition(SOURCE), options);
    expect(words.slice(0, -1)).to.deep.equal(
      '--flow spectra --buffer-size 0 --buffers 0 --input --connect spectcl://host?rest=1 --port 2 --options'.split(
        ' ',
      ),
    );
    expect(JSON.parse(words.at(-1) ?? '')).to.deep.equal({
      application: 'e1',
      type: 'spectra',
      lingerMs: 5,
      updateIntervalMs: 0,
      stallTimeoutMs: 9,
      ...links,
      parent: '/b/apps/e1.control.sock',
      directory: '/b',
      flowDirectory: '/c',
    });
    expect(parseDuplicatorOptions(words, {})).to.deep.include({
      app: 'e1',
      sourceText: SOURCE,
      lingerMs: 5,
      updateIntervalMs: 0,
      stallTimeoutMs: 9,
      ...links,
      parent: '/b/apps/e1.control.sock',
    });
  });

  it("a provider's flow is started with its sizes and listens when it is asked to", () => {
    const options = parseOptions(['--name', 'e1', '--options', '{"directory":"/b"}'], {}, 1000);
    const flow = definitionOfProvider({
      flow: 'events',
      direction: 'output',
      bufferSize: 128,
      buffers: 4,
      properties: '{"unit":null}',
    });
    const words = argumentsOf(flow, options);
    expect(words.slice(0, -1)).to.deep.equal(
      '--flow events --buffer-size 128 --buffers 4 --output --port 0 --options'.split(' '),
    );
    const parsed = parseDuplicatorOptions(words, {});
    expect(parsed).to.deep.include({ direction: 'output', bufferSize: 128, buffers: 4, serve: undefined });
    expect('properties' in parsed && parsed.properties).to.deep.equal({ unit: null });
  });
});

/** Options of an application: those it starts with, their differences, the command line. */
import { expect } from 'chai';
import {
  changedSettings,
  completeOptions,
  optionsDifference,
} from '../../../host-server/applications/application-options.js';
import { appServerArguments } from '../../../protocol/rpc/contract/app-server-options.js';

describe('options of an application', () => {
  it('a run takes the options of the last run, or only their source, when nothing is configured', () => {
    const last = { name: 'a', source: 'unix:/a', lingerMs: 5 };
    expect(completeOptions({ name: 'a' }, undefined, last)).to.equal(last);
    expect(completeOptions({ name: 'a' }, undefined, undefined)).to.deep.equal({ name: 'a' });
    expect(completeOptions({ name: 'a', port: 3 }, undefined, last)).to.deep.equal({
      name: 'a',
      port: 3,
      source: 'unix:/a',
    });
    expect(completeOptions({ name: 'a', source: 'unix:/b' }, undefined, last)).to.deep.equal({
      name: 'a',
      source: 'unix:/b',
    });
  });

  it('the options of a run are applied over the configuration', () => {
    const configured = { name: 'a', source: 'unix:/a', lingerMs: 5 };
    const last = { name: 'a', source: 'unix:/z' };
    expect(completeOptions({ name: 'a' }, configured, last)).to.deep.equal(configured);
    expect(completeOptions({ name: 'a', lingerMs: 6 }, configured, last)).to.deep.equal({
      ...configured,
      lingerMs: 6,
    });
  });

  it('options differ only in the members that were asked for', () => {
    const present = { name: 'a', source: 'spectcl://h?rest=1&mirror=2', lingerMs: 5 };
    expect(optionsDifference(present, { name: 'a' }, 7)).to.equal(undefined);
    expect(optionsDifference(present, { name: 'a', port: 0 }, 7)).to.equal(undefined);
    expect(optionsDifference(present, { name: 'a', port: 7 }, 7)).to.equal(undefined);
    expect(optionsDifference(present, { name: 'a', source: 'spectcl://h?mirror=2&rest=1' }, 7)).to.equal(
      undefined,
    );
    expect(optionsDifference(present, { name: 'a', lingerMs: 6, ringBytes: 1, port: 8 }, 7)).to.equal(
      'port is not stated, asked was 8; lingerMs is 5, asked was 6; ringBytes is not stated, asked was 1',
    );
  });

  it('changed settings are named with their members, never with values', () => {
    const program = (password: string) => ({ command: '/bin/true', env: { PASSWORD: password } });
    const before = {
      name: 'a',
      source: 'spectcl://h?rest=1&mirror=2',
      port: 0,
      lingerMs: 5,
      gateway: { restPort: 1, mirrorPort: 2 },
      programs: { viewer: program('old'), other: program('same') },
    };
    const after = {
      ...before,
      source: 'spectcl://h?mirror=2&rest=1',
      lingerMs: 6,
      allowChanges: true,
      gateway: { mirrorPort: 2, restPort: 3, host: '0.0.0.0' },
      programs: { other: program('same'), viewer: program('new') },
    };
    const { port: _port, ...withoutPort } = after;
    expect(changedSettings(before, withoutPort).toSorted()).to.deep.equal([
      'allowChanges',
      'gateway.host',
      'gateway.restPort',
      'lingerMs',
      'programs.viewer',
    ]);
    expect(changedSettings(before, structuredClone(before))).to.deep.equal([]);
    expect(changedSettings({ name: 'a' }, { ...before, gateway: undefined } as never)).to.include('source');
  });

  it('programs differ by their contents', () => {
    const programs = { viewer: { command: '/bin/true', args: ['a b'] } };
    const same = { name: 'a', programs: structuredClone(programs) };
    expect(optionsDifference({ name: 'a', programs }, same, 7)).to.equal(undefined);
    expect(optionsDifference({ name: 'a' }, same, 7)).to.include('programs is not stated');
  });

  it('an app server is started with its name, its port and one document of all else', () => {
    expect(appServerArguments({ name: 'a' })).to.deep.equal([
      '--name',
      'a',
      '--port',
      '0',
      '--options',
      '{}',
    ]);
    const settings = {
      source: 'unix:/s',
      updateIntervalMs: 0,
      programs: { viewer: { command: '/bin/true', args: ['a b'] } },
    };
    const own = { directory: '/d', secretFile: '/secret', tlsCa: undefined };
    const words = appServerArguments({ name: 'a', port: 5, ...settings }, own);
    expect(words.slice(0, 5)).to.deep.equal(['--name', 'a', '--port', '5', '--options']);
    expect(JSON.parse(words[5] ?? '')).to.deep.equal({ ...settings, directory: '/d', secretFile: '/secret' });
  });
});

/** Directories and paths of sockets and files, by options and environment. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';

import {
  appSocketPath,
  appTokenPath,
  clientDirectories,
  datagramSocketPath,
  flowDirectory,
  flowFilePath,
  hostSocketPath,
  hostTokenPath,
  imageFilePath,
  linkSocketPath,
  providerSocketPath,
  logFilePath,
  runtimeDirectory,
  runtimeFolders,
} from '../../../protocol/base/paths.js';
import { USER_RIGHTS } from '../../../protocol/base/rights.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { LIMITS } from '../../../protocol/base/limits.js';

// The runtime and flow directories and the paths in them (protocol/base/paths.ts).
describe('directories and paths', () => {
  const uid = 1000;

  it('a runtime directory comes from the option, MIRRORFLOW_DIR, the login session or /tmp, in this order', () => {
    const env = { MIRRORFLOW_DIR: '/srv/mf/', XDG_RUNTIME_DIR: '/run/user/1000' };
    expect(runtimeDirectory({ env, uid, directory: '/opt/mf' })).to.equal('/opt/mf');
    expect(runtimeDirectory({ env, uid })).to.equal('/srv/mf');
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: '/run/user/1000' }, uid })).to.equal(
      '/run/user/1000/mirrorflow',
    );
    expect(runtimeDirectory({ env: { MIRRORFLOW_DIR: '', XDG_RUNTIME_DIR: 'relative' }, uid })).to.equal(
      '/tmp/mirrorflow-1000',
    );
    expect(runtimeDirectory({ env: {}, uid, scope: 'machine' })).to.equal('/run/mirrorflow');
  });

  it("a client searches the user's directories first, then the machine's", () => {
    expect(clientDirectories({ env: { XDG_RUNTIME_DIR: '/run/user/1000' }, uid })).to.deep.equal([
      '/run/user/1000/mirrorflow',
      '/tmp/mirrorflow-1000',
      '/run/mirrorflow',
    ]);
    expect(clientDirectories({ env: { MIRRORFLOW_DIR: '/srv/mf' }, uid })).to.deep.equal(['/srv/mf']);
  });

  it('flow files are in shared memory unless another directory is configured', () => {
    expect(flowDirectory({ env: {}, uid })).to.equal('/dev/shm/mirrorflow-1000');
    expect(flowDirectory({ env: { MIRRORFLOW_FLOW_DIR: '/data/flows' }, uid })).to.equal('/data/flows');
    expect(flowFilePath('/d', 'e23001', 'spectra')).to.equal('/d/e23001/spectra.flow');
    expect(imageFilePath('/d', 'e23001', 'spectra')).to.equal('/d/e23001/spectra.image');
  });

  it('a runtime directory too long for socket paths is refused with the numbers', () => {
    const long = `/${'d'.repeat(80)}`;
    for (const attempt of [
      () => runtimeDirectory({ env: { MIRRORFLOW_DIR: long }, uid }),
      () => clientDirectories({ env: {}, uid, directory: long }),
      () => runtimeDirectory({ env: { XDG_RUNTIME_DIR: long }, uid }),
    ]) {
      expect(attempt)
        .to.throw(/8[0-9] bytes|9[0-9] bytes/)
        .with.property('code', 'BAD_OPTION');
    }
  });

  it('a relative path of the runtime or flow directory is refused', () => {
    expect(() => runtimeDirectory({ env: {}, uid, directory: 'here' })).to.throw('absolute');
    expect(() => flowDirectory({ env: { MIRRORFLOW_FLOW_DIR: './x' }, uid })).to.throw('MIRRORFLOW_FLOW_DIR');
  });

  it('paths contain the names of application and flow', () => {
    expect(hostSocketPath('/r', 'control')).to.equal('/r/host.control.sock');
    expect(hostTokenPath('/r', 'child')).to.equal('/r/host.child.token');
    expect(appSocketPath('/r', 'e23001', 'read')).to.equal('/r/apps/e23001.read.sock');
    expect(appTokenPath('/r', 'e23001', 'provide')).to.equal('/r/apps/e23001.provide.token');
    expect(linkSocketPath('/r', 'e23001', 'spectra')).to.equal('/r/links/e23001@spectra.sock');
    expect(datagramSocketPath('/r', 'e23001', 'spectra')).to.equal('/r/links/e23001@spectra.dgram');
    expect(logFilePath('/r', 'host-server')).to.equal('/r/logs/host-server.log');
    expect(logFilePath('/r', 'duplicator', 'a', 'f')).to.equal('/r/logs/duplicator-a@f.log');
    expect(runtimeFolders('/r')).to.deep.equal(['/r/apps', '/r/links', '/r/logs']);
  });

  it('socket paths are short enough for every name and allowed directory, and differ between flows', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
    fc.assert(
      fc.property(name, name, fc.integer({ min: 1, max: 60 }), (app, flow, length) => {
        const directory = runtimeDirectory({ env: {}, uid, directory: `/${'d'.repeat(length)}` });
        const link = linkSocketPath(directory, app, flow);
        const datagram = datagramSocketPath(directory, app, flow);
        expect(link.length).to.be.at.most(LIMITS.unixSocketPathBytes);
        expect(datagram.length).to.be.at.most(LIMITS.unixSocketPathBytes);
        const provider = providerSocketPath(directory, app, flow);
        expect(provider.length).to.be.at.most(LIMITS.unixSocketPathBytes);
        for (const right of USER_RIGHTS) {
          expect(appSocketPath(directory, app, right).length).to.be.at.most(LIMITS.unixSocketPathBytes);
        }
        expect(link).to.not.equal(linkSocketPath(directory, app, `${flow.slice(0, 62)}-2`));
      }),
    );
  });

  it('a path is never built from a text that is not a name', () => {
    for (const bad of ['../x', 'a/b', '', '.', 'a'.repeat(65), 'a@b']) {
      for (const build of [
        () => appSocketPath('/r', bad, 'read'),
        () => appTokenPath('/r', bad, 'read'),
        () => linkSocketPath('/r', 'a', bad),
        () => flowFilePath('/r', bad, 'f'),
        () => logFilePath('/r', 'p', bad),
      ]) {
        try {
          build();
          expect.fail('accepted');
        } catch (error) {
          expect(isMirrorflowError(error, 'BAD_NAME')).to.equal(true);
        }
      }
    }
  });
});

/** The text of the systemd unit, checked by systemd-analyze where there is one. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { systemdUnit, unitPath, type UnitOptions } from '../../../host-server/boot/systemd-unit.js';
import { skip } from '../../kit/skip.js';

const VERIFIER = 'systemd-analyze';

const SYSTEM: UnitOptions = {
  scope: 'system',
  execPath: '/usr/bin/node',
  script: '/opt/mirrorflow/dist/host-server/main.js',
  user: 'mirrorflow',
  group: 'daq',
};
const USER: UnitOptions = { scope: 'user', execPath: '/usr/bin/node', script: '/opt/mf/main.js' };

function lines(options: UnitOptions): string[] {
  return systemdUnit(options).split('\n');
}

describe('the systemd unit', () => {
  it('the unit runs the host server as a watched service that reports ready', () => {
    expect(lines({ ...SYSTEM, configFile: '/etc/mirrorflow.json' })).to.include.members([
      'ExecStart="/usr/bin/node" "/opt/mirrorflow/dist/host-server/main.js" "--config" "/etc/mirrorflow.json"',
      'Type=notify',
      'WatchdogSec=30',
      'Restart=on-failure',
      'User=mirrorflow',
      'Group=daq',
      'WantedBy=multi-user.target',
    ]);
  });

  it('the unit keeps children and their sockets when the host server is stopped or restarted', () => {
    for (const options of [SYSTEM, USER]) {
      expect(lines(options)).to.include.members([
        'KillMode=process',
        'OOMPolicy=continue',
        'RuntimeDirectory=mirrorflow',
        'RuntimeDirectoryPreserve=yes',
      ]);
    }
  });

  it('the unit has a folder for compiled code that no other user can write', () => {
    for (const options of [SYSTEM, USER])
      expect(lines(options)).to.include.members(['CacheDirectory=mirrorflow', 'CacheDirectoryMode=0700']);
  });

  it('a unit for the machine has a state directory, and names its documentation where there is one', () => {
    const documented = lines({ ...SYSTEM, documentation: 'man:mirrorflow(1)' });
    expect(documented).to.include.members(['StateDirectory=mirrorflow', 'Documentation=man:mirrorflow(1)']);
    expect(lines(SYSTEM).join('\n')).to.not.contain('Documentation=');
    expect(() => systemdUnit({ ...SYSTEM, documentation: 'man:x\nUser=root' })).to.throw('control character');
  });

  it('the unit sets nothing that hides shared memory or stops node', () => {
    const text = lines(SYSTEM).filter((line) => !line.startsWith('#'));
    for (const setting of ['PrivateTmp', 'PrivateIPC', 'PrivateDevices', 'MemoryDenyWriteExecute']) {
      expect(text.filter((line) => line.startsWith(setting))).to.deep.equal([]);
    }
  });

  it('the unit quotes spaces, quotes, backslashes, dollars and percent signs', () => {
    const unit = lines({
      ...USER,
      execPath: '/opt/my node/100%/$x',
      script: '/a "b"\\c $HOME/50%.js',
      environment: { MIRRORFLOW_DIR: '/run/a b%', EMPTY: '' },
    });
    expect(unit).to.include.members([
      String.raw`ExecStart="/opt/my node/100%%/$x" "/a \"b\"\\c $$HOME/50%%.js"`,
      'Environment="MIRRORFLOW_DIR=/run/a b%%"',
      'Environment="EMPTY="',
    ]);
  });

  it('an option that would add settings to the unit is refused', () => {
    for (const [options, message] of [
      [{ ...USER, script: 'main.js' }, 'absolute path'],
      [{ ...USER, script: '/a\nExecStartPre=/bin/false' }, 'control character'],
      [{ ...USER, environment: { 'A B': 'x' } }, 'name of a variable'],
      [{ ...USER, environment: { A: 'x\ny' } }, 'control character'],
      [{ ...SYSTEM, user: 'a b' }, 'name of a user'],
      [{ ...SYSTEM, group: '%u' }, 'name of a group'],
      [{ ...USER, user: 'me' }, 'leave user and group out'],
    ] as const) {
      expect(() => systemdUnit(options))
        .to.throw(message)
        .with.property('code', 'BAD_OPTION');
    }
  });

  it('the path of the unit is the one that systemd reads', () => {
    expect(unitPath('system', {})).to.equal('/etc/systemd/system/mirrorflow.service');
    expect(unitPath('user', { HOME: '/home/me' })).to.equal(
      '/home/me/.config/systemd/user/mirrorflow.service',
    );
    expect(unitPath('user', { HOME: '/home/me', XDG_CONFIG_HOME: '/cfg' })).to.equal(
      '/cfg/systemd/user/mirrorflow.service',
    );
    expect(() => unitPath('user', {})).to.throw('HOME');
  });

  it('systemd-analyze verify accepts the unit', function () {
    if (spawnSync(VERIFIER, ['--version']).status !== 0) skip(this, 'systemd-analyze is not installed');
    const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    try {
      const odd = join(directory, 'a b $c 50%');
      mkdirSync(odd);
      symlinkSync(process.execPath, join(odd, 'node'));
      for (const options of [
        { ...SYSTEM, execPath: join(odd, 'node'), user: 'root', group: 'root' },
        { ...USER, execPath: join(odd, 'node'), environment: { A: 'b c%' } },
      ]) {
        const file = join(directory, 'mirrorflow.service');
        writeFileSync(file, systemdUnit(options));
        const run = spawnSync(
          'systemd-analyze',
          [options.scope === 'user' ? '--user' : '--system', 'verify', file],
          {
            encoding: 'utf8',
            env: { ...process.env, XDG_RUNTIME_DIR: directory },
          },
        );
        expect(run.stderr.split('\n').filter((line) => line.includes('mirrorflow.service'))).to.deep.equal(
          [],
        );
        expect(run.status).to.equal(0);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

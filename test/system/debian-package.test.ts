/**
 * The Debian package: installed, upgraded, removed and purged on an overlay of this machine,
 * without a network. Needs root and the programs of Debian; is skipped otherwise.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';
import { eventually } from '../kit/eventually.js';
import { OverlayMachine } from '../kit/overlay-machine.js';
import { skip } from '../kit/skip.js';

const PROGRAMS = [
  'dpkg-deb',
  'readelf',
  'strip',
  'nsenter',
  'runuser',
  'systemd-sysusers',
  'deb-systemd-helper',
];
const NEWER = '99.0.0';
const UNIT = '/usr/lib/systemd/system/mirrorflow.service';

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

describe('the Debian package', () => {
  const machine = new OverlayMachine();
  const { shared } = machine;
  let first = '';

  /** Output of a command inside that must succeed. */
  function inside(command: string): string {
    const { status, output } = machine.run(command);
    expect(status, `${command}\n${output}`).to.equal(0);
    return output.trim();
  }

  const fails = (command: string): boolean => machine.run(command).status !== 0;

  /** Makes a package with the Node that runs this test; returns its path. */
  function packageOf(...options: string[]): string {
    const script = join(packageFolder(), 'scripts', 'debian-package.mjs');
    const args = [script, '--built', '--node', 'running', '--compress', 'none', '--output', shared.path];
    const env = { ...process.env, DEBFULLNAME: 'A Tester', DEBEMAIL: 'tester@debian.org' };
    return execFileSync(process.execPath, [...args, ...options], { encoding: 'utf8', env }).trim();
  }

  before(async function () {
    const missing = PROGRAMS.filter((name) => !hasProgram(name));
    if (missing.length > 0) skip(this, `${missing.join(', ')} missing: it needs Debian with binutils`);
    const reason = await machine.start();
    if (reason !== undefined) skip(this, reason);
    first = packageOf();
  });
  after(() => machine.stop());

  it('the Debian package installs without a network, with a user, a command, an enabled unit and manual pages', () => {
    inside(`dpkg --install ${first}`);
    expect(inside('mirrorflow version')).to.match(/^\d+\.\d+\.\d+$/);
    expect(inside('getent passwd mirrorflow')).to.contain(':/var/lib/mirrorflow:');
    expect(inside('stat -c "%U %G %a" /var/lib/mirrorflow')).to.equal('mirrorflow mirrorflow 750');
    inside('test -L /etc/systemd/system/multi-user.target.wants/mirrorflow.service');
    expect(inside('man -w mirrorflow-show')).to.contain('/usr/share/man/man1/mirrorflow-show.1');
    expect(inside('dpkg --verify mirrorflow')).to.equal('');
  });

  it('the unit is one that systemd accepts, and starts the installed program', async () => {
    expect(inside(`systemd-analyze verify ${UNIT} 2>&1 || true`)).to.not.contain('mirrorflow.service');
    inside('install -d -o mirrorflow -g mirrorflow -m 0750 /run/mirrorflow');
    inside('runuser -u mirrorflow -- mirrorflow host check /etc/mirrorflow/host.json');
    const start = inside(`sed -n 's/^ExecStart=//p' ${UNIT}`);
    inside(`setsid runuser -u mirrorflow -- ${start} >/run/host.log 2>&1 </dev/null &`);
    const asService = 'runuser -u mirrorflow -- mirrorflow --directory /run/mirrorflow --json';
    await eventually(() => machine.run(`${asService} host`).status === 0, 'the host server answers');
    inside(`${asService} run demo --linger 600000`);
    expect(inside(`${asService} apps`)).to.contain('"state":"running"');
    expect(inside(`${asService} doctor || true`)).to.contain('built for this Node');
  });

  it('an upgrade keeps the changed configuration, the state and the running applications', () => {
    inside(`sed -i 's/"applications"/"discover": false, "applications"/' /etc/mirrorflow/host.json`);
    inside('touch /var/lib/mirrorflow/kept; systemctl disable mirrorflow.service');
    const application = inside('pgrep -u mirrorflow -f app-server');
    inside(`dpkg --install ${packageOf('--version', NEWER)}`);
    expect(inside('mirrorflow version')).to.equal(NEWER);
    expect(inside('cat /etc/mirrorflow/host.json')).to.contain('"discover": false');
    inside('test -e /var/lib/mirrorflow/kept');
    expect(inside('pgrep -u mirrorflow -f app-server')).to.equal(application);
    expect(fails('test -L /etc/systemd/system/multi-user.target.wants/mirrorflow.service')).to.equal(true);
  });

  it('a removal stops every process and keeps configuration and state', () => {
    inside('dpkg --remove mirrorflow');
    expect(fails('pgrep -u mirrorflow')).to.equal(true);
    expect(fails('test -e /usr/lib/mirrorflow -o -e /usr/bin/mirrorflow')).to.equal(true);
    inside('test -e /etc/mirrorflow/host.json -a -e /var/lib/mirrorflow/kept');
  });

  it('a purge removes user, configuration, secret and state', () => {
    inside('echo secret >/etc/mirrorflow/secret');
    inside('dpkg --purge mirrorflow');
    expect(fails('getent passwd mirrorflow')).to.equal(true);
    expect(fails('getent group mirrorflow')).to.equal(true);
    const left =
      'find /etc /run /var /usr/lib /usr/share /usr/bin -name "*mirrorflow*" -not -path "/var/cache/*"';
    expect(inside(left)).to.equal('');
    expect(inside('ls /dev/shm')).to.equal('');
    expect(fails('dpkg --status mirrorflow')).to.equal(true);
  });

  it('lintian finds nothing that is not explained', function () {
    if (!hasProgram('lintian')) skip(this, 'lintian is not installed');
    const { status, stdout, stderr } = spawnSync(
      'lintian',
      // What the test makes to be fast, without compression.
      [
        '--fail-on',
        'error,warning',
        '--suppress-tags',
        'uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball',
        first,
      ],
      { encoding: 'utf8' },
    );
    expect(status, stdout + stderr).to.equal(0);
  });
});

/** Installing the systemd unit into a temporary home directory. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { planInstallation, writeUnit } from '../../../host-server/boot/install.js';

describe('installation of the host server', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('the plan for a user has the unit, its path and the commands that enable it', () => {
    const plan = planInstallation({ scope: 'user', configFile: '/etc/mirrorflow.json' }, { HOME: home });
    expect(plan.path).to.equal(join(home, '.config/systemd/user/mirrorflow.service'));
    expect(plan.text)
      .to.contain(process.execPath)
      .and.to.match(/host-server(\.cjs|\/main\.js)/);
    expect(plan.text).to.contain('"--config" "/etc/mirrorflow.json"');
    expect(plan.commands).to.deep.equal([
      'systemctl --user daemon-reload',
      'systemctl --user enable --now mirrorflow.service',
      'loginctl enable-linger',
    ]);
  });

  it('the plan for the machine names user and group', () => {
    const plan = planInstallation({ scope: 'system', user: 'mirrorflow', group: 'daq' }, {});
    expect(plan.path).to.equal('/etc/systemd/system/mirrorflow.service');
    expect(plan.text).to.contain('User=mirrorflow\nGroup=daq\n');
    expect(plan.commands).to.have.length(2);
  });

  it('a service for the machine without a user is refused with the way to make one', () => {
    expect(() => planInstallation({ scope: 'system', group: 'daq' }, {}))
      .to.throw(/as root.*useradd --system mirrorflow.*--user mirrorflow/)
      .with.property('code', 'BAD_OPTION');
    const asRoot = planInstallation({ scope: 'system', user: 'root' }, {});
    expect(asRoot.text).to.contain('User=root\n');
  });

  it('an unchanged file is not written twice', () => {
    const plan = planInstallation({ scope: 'user' }, { HOME: home });
    expect(writeUnit(plan)).to.equal('written');
    expect(readFileSync(plan.path, 'utf8')).to.equal(plan.text);
    expect(writeUnit(plan)).to.equal('unchanged');
    expect(readdirSync(dirname(plan.path))).to.deep.equal(['mirrorflow.service']);
  });

  it('a different file is overwritten only when forced', () => {
    const plan = planInstallation({ scope: 'user' }, { HOME: home });
    mkdirSync(dirname(plan.path), { recursive: true });
    writeFileSync(plan.path, 'different');
    expect(() => writeUnit(plan))
      .to.throw(/exists with different content/)
      .with.property('code', 'FILE_OWNED');
    expect(readFileSync(plan.path, 'utf8')).to.equal('different');
    expect(writeUnit(plan, { force: true })).to.equal('written');
    expect(readFileSync(plan.path, 'utf8')).to.equal(plan.text);
  });

  it('an unwritable file is reported with the reason', () => {
    const plan = planInstallation({ scope: 'user' }, { HOME: home });
    writeFileSync(join(home, '.config'), 'a file in the way');
    expect(() => writeUnit(plan)).to.throw(/cannot be (read|written)/);
  });
});

/** The options that a systemd unit of a host server gives. */
import { expect } from 'chai';
import { systemdUnit } from '../../../host-server/boot/systemd-unit.js';
import { parseUnit } from '../../../console/doctor/units.js';

describe('units of the host server', () => {
  it('options, account and variables are read as they were installed', () => {
    const unit = systemdUnit({
      scope: 'system',
      user: 'mirrorflow',
      execPath: '/opt/no de/node',
      script: '/opt/mirrorflow/main.js',
      configFile: String.raw`/etc/a "b" $c\%d.json`,
      environment: { MIRRORFLOW_SECRET_FILE: '/etc/lab secret' },
    });
    const read = parseUnit(unit);
    expect(read?.options).to.deep.equal(['--config', String.raw`/etc/a "b" $c\%d.json`]);
    expect(read?.user).to.equal('mirrorflow');
    // The unit sets variables of its own, too.
    expect(read?.env).to.include({ MIRRORFLOW_SECRET_FILE: '/etc/lab secret' });
  });

  it('a unit that starts nothing has no options', () => {
    expect(parseUnit('[Unit]\nDescription=x\n')).to.equal(undefined);
    expect(parseUnit('ExecStart=/usr/bin/mirrorflow-host-server\n')?.options).to.deep.equal([]);
  });
});

/**
 * `mirrorflow install`: the host server from boot, by systemd. The work is the host server's own;
 * it is asked as a child.
 */
import path from 'node:path';
import { command } from '../command.js';

export const installCommand = command({
  name: 'install',
  summary: 'makes the host server start at boot: writes its systemd unit, or prints it',
  positionals: {},
  options: {
    scope: {
      type: 'string',
      choices: ['user', 'system'],
      default: 'user',
      describe: 'for one user, or for the whole machine (as root)',
    },
    print: { type: 'boolean', describe: 'only print the unit' },
    force: { type: 'boolean', describe: 'replace a different unit that is there' },
    config: { type: 'string', describe: 'configuration file of the host server' },
    user: { type: 'string', describe: 'whom a system service runs as' },
    group: { type: 'string', describe: 'the group whose members may use a system service' },
  },
  examples: [
    ['install --scope user --print', 'shows what would be written'],
    ['install --scope system --user daq --group e23001', 'for all members of a group, as root'],
  ],
  async run({ output }, { scope, print, force, config, user, group }) {
    const { installUnit } = await import('../host-process/install-unit.js');
    const outcome = await installUnit([
      '--scope',
      scope,
      ...(print === true ? ['--print'] : []),
      ...(force === true ? ['--force'] : []),
      ...(config === undefined ? [] : ['--config', path.resolve(config)]),
      ...(user === undefined ? [] : ['--user', user]),
      ...(group === undefined ? [] : ['--group', group]),
    ]);
    if (output.json) return output.value(outcome);
    if (outcome.outcome === 'printed') return output.raw(outcome.text);
    output.lines([
      outcome.outcome === 'written' ? `Written: ${outcome.path}` : `Unchanged: ${outcome.path}`,
      'Now type:',
      ...outcome.commands.map((line) => `  ${line}`),
    ]);
  },
});

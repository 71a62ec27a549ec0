/**
 * `mirrorflow install`: writes or prints the systemd unit that starts the host server at boot.
 *
 * The host server's own installation program does the work, as a child process.
 */
import path from 'node:path';
import { command } from '../command.js';

export const installCommand = command({
  name: 'install',
  summary: 'write the systemd unit that starts the host server at boot, or print it',
  positionals: {},
  options: {
    scope: {
      type: 'string',
      choices: ['user', 'system'],
      default: 'user',
      describe: 'for one user, or for the whole machine (as root)',
    },
    print: { type: 'boolean', describe: 'print the unit, and write nothing' },
    force: { type: 'boolean', describe: 'replace an existing unit that differs' },
    config: { type: 'string', describe: 'configuration file of the host server', completes: 'file' },
    user: { type: 'string', describe: 'user that a system service runs as' },
    group: { type: 'string', describe: 'group whose members may use a system service' },
  },
  examples: [
    ['install --scope user --print', 'show what would be written'],
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
      'To start it, run:',
      ...outcome.commands.map((line) => `  ${line}`),
    ]);
  },
});

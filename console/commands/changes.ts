/**
 * `mirrorflow changes`: who changed the SpecTcl of an application through the web viewer.
 *
 * Reads the record that the viewer keeps in its state directory; asks no server.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command } from '../command.js';

/** Number of changes that are printed without --last. */
const DEFAULT_CHANGES = 50;

export const changesCommand = command({
  name: 'changes',
  summary: "who changed an application's SpecTcl through the web viewer",
  positionals: {
    app: { type: 'string', describe: 'the application', demandOption: true, completes: 'application' },
  },
  options: {
    last: { type: 'string', describe: `at most so many changes; default: ${DEFAULT_CHANGES}` },
    'state-directory': {
      type: 'string',
      describe: "the viewer's --state-directory; also MIRRORFLOW_STATE_DIR; default: as the viewer's own",
    },
  },
  examples: [
    ['changes e23001', 'a table: time, who, address, change, and why it was not done'],
    ['changes e23001 --last 1 --json', 'the last one, with its whole request'],
  ],
  async run({ output, env }, { app, last = String(DEFAULT_CHANGES), 'state-directory': directory }) {
    const { stateDirectory } = await import('../../protocol/base/state-directory.js');
    const { readChangeRecords } = await import('../../protocol/spectcl/change-files.js');
    const most = Number(last);
    if (!Number.isSafeInteger(most) || most < 1) {
      throw new MirrorflowError('BAD_OPTION', `--last is ${last}; it must be a whole number from 1 on`, {
        option: 'last',
      });
    }
    const changes = readChangeRecords(stateDirectory(directory, env), app, most);
    if (output.json) return output.value(changes);
    output.table(
      [
        { header: 'time' },
        { header: 'who' },
        { header: 'address' },
        { header: 'change' },
        { header: 'not done' },
      ],
      changes.map(({ timeMs, who, address, change, reason }) => [
        new Date(timeMs).toISOString(),
        who,
        address,
        change,
        reason,
      ]),
      'No changes are recorded.',
    );
  },
});

/**
 * `mirrorflow save`: writes spectra to files of other programs, all of one publication.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run; asks SpecTcl's REST service for the bins of the axes. Writes files.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command } from '../command.js';
import { SAVE_OPTIONS } from '../save-options.js';
import { interruptible } from '../interruption.js';
import { withClient } from '../servers.js';

export const saveCommand = command({
  name: 'save',
  summary: 'write spectra to files for other programs, all of one publication',
  positionals: {
    names: { type: 'string', array: true, describe: 'names of the spectra', completes: 'spectrum' },
  },
  options: {
    app: APP_OPTION,
    all: { type: 'boolean', describe: 'save all spectra' },
    ...SAVE_OPTIONS,
  },
  examples: [
    ['save ge.00.Co-60 -o co60.spec', 'for sread of SpecTcl'],
    ['save --all --format spe -o spectra/', 'a file per spectrum of one dimension'],
    ['save tof pid.de-vs-e --format json', 'to standard output'],
  ],
  epilogue:
    'Under- and overflow channels are left out. swrite, json and npz hold several spectra in one file. With --all, spectra that the format cannot hold are left out and named on standard error.',
  async run(context, { names = [], app, all = false, format, output }) {
    if (all === names.length > 0) {
      throw new MirrorflowError('BAD_OPTION', 'give names of spectra, or --all for all of them');
    }
    const { readPublication } = await import('../saved-publication.js');
    const { writeFiles } = await import('../spectrum-files.js');
    await withClient(context, app, async (client) => {
      const mirror = await interruptible(context.signal, client.mirror());
      const publication = await interruptible(
        context.signal,
        readPublication(client, mirror, all ? undefined : names),
      );
      if (mirror.state !== 'live') {
        context.output.note(`the source is ${mirror.state}: these are the last data received`);
      }
      writeFiles(context.output, publication, { format, path: output, skips: all });
    });
  },
});

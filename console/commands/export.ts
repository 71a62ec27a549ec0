/**
 * `mirrorflow export`: writes the spectra of a recorded moment to files of other programs.
 *
 * Reads MCAP files and writes files; needs no server.
 */
import { SAVE_OPTIONS } from '../save-options.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command, RECORDING_FILES } from '../command.js';
import { timeValue } from '../option-values.js';

export const exportCommand = command({
  name: 'export',
  summary: 'write the spectra of a recorded moment to files for other programs',
  positionals: { files: RECORDING_FILES },
  options: {
    at: { type: 'string', describe: 'the moment, such as 2027-03-01T12:34:00Z; default: the last one' },
    spectrum: { type: 'string', describe: 'name of the spectrum; several separated by commas; default: all' },
    ...SAVE_OPTIONS,
  },
  examples: [
    ['export e1.mcap --at 2027-03-01T12:34:00Z --spectrum tof --format csv', 'to standard output'],
    ['export /data/recordings --format spe -o spectra/', 'a file per spectrum, as it was at the end'],
  ],
  epilogue:
    'Under- and overflow channels are left out. Without --spectrum, spectra that the format cannot hold are left out and named on standard error.',
  async run({ output }, values) {
    const { recordingPaths } = await import('../../recorder/read/verify.js');
    const { Recording } = await import('../../recorder/read/recording.js');
    const { recordedSpectra } = await import('../../recorder/read/recorded-spectra.js');
    const { writeFiles } = await import('../spectrum-files.js');
    const names = values.spectrum?.split(',').map((name) => name.trim());
    const recording = new Recording(values.files.flatMap(recordingPaths));
    try {
      const atNs = values.at === undefined ? Infinity : timeValue('at', values.at);
      const found = recordedSpectra(recording, atNs);
      const missing =
        names?.filter((name) => !found.spectra.some((spectrum) => spectrum.name === name)) ?? [];
      if (missing.length > 0) {
        throw new MirrorflowError(
          'UNKNOWN_SPECTRUM',
          `there was no spectrum ${missing.map((name) => JSON.stringify(name)).join(', ')} at that time`,
          { names: missing.join(', ') },
        );
      }
      const spectra =
        names === undefined ? found.spectra : found.spectra.filter(({ name }) => names.includes(name));
      const target = { format: values.format, path: values.output, skips: names === undefined };
      writeFiles(output, { spectra, sequence: found.sequence }, target);
    } finally {
      recording.close();
    }
  },
});

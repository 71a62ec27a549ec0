/**
 * The options of commands that write spectra to files: format and place. `save` and `export` have
 * them. Constants only.
 */
import { SAVE_FORMATS } from '../plotting/files/save-formats.js';

export const SAVE_OPTIONS = {
  format: {
    type: 'string',
    choices: SAVE_FORMATS,
    default: 'swrite',
    describe: "swrite: SpecTcl's ASCII, for sread; spe: Radware, one dimension only; csv; json; npz: numpy",
  },
  output: {
    type: 'string',
    alias: 'o',
    describe: 'file, or directory for a file per spectrum; default: standard output',
    completes: 'file',
  },
} as const;

/** What to do about an error, where its message does not say it already. */
import { isMirrorflowError, type ErrorCode } from '../protocol/base/errors.js';

const HINTS: Partial<Record<ErrorCode, string>> = {
  BAD_NAME: 'mirrorflow apps lists the names that are known',
  BAD_OPTION: 'mirrorflow COMMAND --help tells options and examples',
  UNKNOWN_APPLICATION: 'mirrorflow apps lists the applications',
  UNKNOWN_FLOW: 'mirrorflow flows lists the flows',
  UNKNOWN_SPECTRUM: 'mirrorflow spectra lists the spectra',
  APPLICATION_EXISTS: 'mirrorflow apps shows it; mirrorflow stop NAME ends it',
  APPLICATION_UNREACHABLE: 'mirrorflow apps tells its state and the cause',
  SOURCE_UNREACHABLE:
    'is SpecTcl running, with its REST and mirror servers started (HTTPServer, MirrorServer)?',
  SOURCE_REFUSED: 'see the log of SpecTcl; its mirror server takes known hosts only',
  VERSION_MISMATCH: 'run the same release everywhere: stop what runs, then start it again',
  ADDRESS_IN_USE: 'choose another port, for instance --listen tcp://127.0.0.1:0 for any free one',
  NO_SPACE: 'free some memory in /dev/shm, or keep flow files elsewhere: --flow-dir, MIRRORFLOW_FLOW_DIR',
  TIMED_OUT: 'what was asked may still happen: look with mirrorflow apps',
};

/** A hint for whoever sees the error; none where its message names a command or option already. */
export function hintFor(thrown: unknown): string | undefined {
  if (!isMirrorflowError(thrown)) return undefined;
  const own = thrown.facts['hint'];
  if (typeof own === 'string') return own;
  return /mirrorflow [a-z]+/.test(thrown.message) ? undefined : HINTS[thrown.code];
}

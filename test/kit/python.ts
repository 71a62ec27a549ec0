/**
 * The Python interpreter for tests of the Python binding: the first that imports numpy. Used by the
 * conformance suite and the tests of the binding. Starts interpreters.
 */
import { spawnSync } from 'node:child_process';

const CANDIDATES = [process.env['MIRRORFLOW_PYTHON'], 'python3', '/usr/bin/python3'];

/** Null before the first search; undefined when the search found none. */
let found: string | undefined | null = null;

/** Path or name of the interpreter; undefined when none imports numpy. */
export function pythonWithNumpy(): string | undefined {
  if (found === null) {
    found = CANDIDATES.find(
      (each) => each !== undefined && spawnSync(each, ['-c', 'import numpy']).status === 0,
    );
  }
  return found;
}

/**
 * What a test may need from the machine: each function skips the test or suite of `context` when
 * the machine lacks it, and the reason names what is missing. Used in `before` hooks and tests.
 * Runs python3 to find its modules.
 */
import { spawnSync } from 'node:child_process';
import { skip } from './skip.js';

/** `purpose`: "running a program as another user". */
export function needsRoot(context: Mocha.Context, purpose: string): void {
  if (process.geteuid?.() !== 0) skip(context, `${purpose} needs root`);
}

export function needsPython(context: Mocha.Context, module = 'json'): void {
  if (spawnSync('python3', ['-c', `import ${module}`]).status !== 0)
    skip(context, `python3 with the module ${module} is not installed`);
}

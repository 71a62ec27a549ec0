/**
 * Compiles the C programs of `programs/` with the machine's C compiler, `cc`. Used by the peers in
 * C and by the benchmark `c`. Spawns the compiler; writes to a temporary directory of the caller.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../protocol/base/installation.js';

const COMPILER = 'cc';

export interface CompileOptions {
  /** Further sources, relative to the package's folder. */
  readonly sources?: readonly string[];
  /** Compiler options behind the sources. */
  readonly options?: readonly string[];
}

/**
 * Path of `programs/NAME.c`, compiled into `directory` unless it is there already; undefined where
 * no C compiler is installed. Throws what the compiler prints when it fails.
 */
export function compiledProgram(
  name: string,
  directory: string,
  { sources = [], options = [] }: CompileOptions = {},
): string | undefined {
  const program = join(directory, name);
  if (existsSync(program)) return program;
  const files = [`bench/programs/${name}.c`, ...sources].map((source) => join(packageFolder(), source));
  const { status, stderr, error } = spawnSync(COMPILER, ['-O2', ...files, ...options, '-o', program], {
    encoding: 'utf8',
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${COMPILER} cannot compile ${name}.c:\n${stderr}`);
  return program;
}

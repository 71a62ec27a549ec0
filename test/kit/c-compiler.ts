/**
 * The C compiler for tests of the C library. Used by the conformance suite and the tests of the
 * library. Compiles programs into dist, once for each process of tests.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the sources, from dist/test/kit. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const C_LIBRARY = `${ROOT}bindings/c`;
/** The flags under which the library, its tests and its examples must compile. */
export const STRICT = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
export const SANITIZED = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const compiled = new Map<string, string>();

export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0;
}

/**
 * Path of a program that is compiled from the library and `source`, relative to the root; undefined
 * when gcc is not installed. Throws what gcc prints when it does not compile.
 */
export function compiledProgram(source: string): string | undefined {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  if (!hasProgram('gcc')) return undefined;
  const program = `${ROOT}dist/${source.replace(/\.c$/, '')}-program`;
  const temporary = `${program}.${process.pid}`;
  mkdirSync(dirname(program), { recursive: true });
  const files = [`${ROOT}${source}`, `${C_LIBRARY}/mirrorflow.c`];
  const args = [...STRICT, ...SANITIZED, '-I', C_LIBRARY, ...files, '-o', temporary, '-pthread', '-lm'];
  const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  renameSync(temporary, program);
  compiled.set(source, program);
  return program;
}

/**
 * The Python interpreter for tests of the Python binding: the first that imports numpy, or what a
 * test needs besides. Used by the conformance suite. Starts interpreters.
 */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CANDIDATES = [process.env['MIRRORFLOW_PYTHON'], 'python3', '/usr/bin/python3'];

/** Directory of the Python package, from dist/test/kit. */
export const PYTHON_PACKAGE = fileURLToPath(new URL('../../../bindings/python', import.meta.url));
const run = promisify(execFile);

/** By the modules that were searched for. */
const found = new Map<string, string | undefined>();

/** Path or name of the interpreter; undefined when none imports numpy. */
export function pythonWithNumpy(): string | undefined {
  return pythonWith('numpy');
}

/** The first interpreter that imports the modules (`setuptools, wheel`); undefined without one. */
export function pythonWith(modules: string): string | undefined {
  if (!found.has(modules)) {
    const isFit = (each: string): boolean => spawnSync(each, ['-c', `import ${modules}`]).status === 0;
    found.set(
      modules,
      CANDIDATES.find((each) => each !== undefined && isFit(each)),
    );
  }
  return found.get(modules);
}

/**
 * Runs Python with the package in its path, in the directory of the package; resolves with what it
 * printed. Rejects with that text when it fails.
 */
export async function runPackage(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const env = {
    ...process.env,
    ...environment,
    PYTHONPATH: `${PYTHON_PACKAGE}/src`,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const { stdout, stderr } = await run(
    pythonWithNumpy() ?? 'python3',
    ['-W', 'error::ResourceWarning', ...args],
    { cwd: PYTHON_PACKAGE, env },
  ).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout}${error.stderr}`);
  });
  return stdout + stderr;
}

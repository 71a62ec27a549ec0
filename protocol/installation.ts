/**
 * Where the programs of this installation are, and which version it is. The one module that knows the folders of `dist`.
 *
 * ```
 * dist/programs/NAME.cjs       a program and all it uses in one file, which starts in half the time: what is run
 * dist/…/main.js               its compiled modules: what is run while those were compiled later than the file was made
 * dist/library/mirrorflow.js   the client library in one file: what package.json exports
 * ```
 * Bundled into a program or the library this module lies as deep below the package's folder as by itself, so that its own place tells
 * where that is.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PACKAGE = new URL('../../package.json', import.meta.url);
const DIST = new URL('../', import.meta.url);
/** Written by every compilation that changed something. */
const COMPILED = new URL('.tsbuildinfo', DIST);

/** The main module of each program, below `dist`; the flow thread is one that runs in a worker. */
export const PROGRAM_MODULES = {
  'app-server': 'app-server/main.js',
  duplicator: 'duplicator/main.js',
  'flow-thread': 'client-lib/flow-thread/main.js',
  gateway: 'gateway/main.js',
  'host-server': 'host-server/main.js',
  recovery: 'duplicator/recovery/main.js',
  web: 'web/main.js',
} as const;

export type Program = keyof typeof PROGRAM_MODULES;

/** The file that Node is to run for a program, as it is now. */
export function programPath(program: Program): string {
  const bundle = new URL(`programs/${program}.cjs`, DIST);
  return fileURLToPath(
    madeAtMs(bundle) >= madeAtMs(COMPILED) ? bundle : new URL(PROGRAM_MODULES[program], DIST),
  );
}

/** The folder of the web viewer's page. */
export function webAssets(): string {
  return fileURLToPath(new URL('web/static', DIST));
}

/** The version of the installed package, for people; what processes compare is PROTOCOL_VERSION. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version?: unknown };
  return typeof version === 'string' ? version : 'unknown';
}

/** 0 for a file that is not there. */
function madeAtMs(file: URL): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

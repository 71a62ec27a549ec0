/**
 * Finds the programs, the page and the version of this installation. The only module that names folders of `dist`.
 *
 * ```
 * dist/programs/NAME.cjs       a program bundled with everything it imports; starts in half the time
 * dist/…/main.js               its compiled modules; run while they are newer than the bundle
 * dist/library/mirrorflow.js   the bundled client library; what package.json exports
 * ```
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PACKAGE = packageFile();
const DIST = new URL('dist/', PACKAGE);
/** Written by every compilation that changed something. */
const COMPILED = new URL('.tsbuildinfo', DIST);

/** The main module of each program, below `dist`; the flow thread is one that runs in a worker. */
export const PROGRAM_MODULES = {
  'app-server': 'app-server/main.js',
  duplicator: 'duplicator/main.js',
  'flow-thread': 'client-lib/input/flow-thread/main.js',
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

/** This module is compiled into several folders of `dist` and into bundles; package.json stands above all of them. */
function packageFile(): URL {
  let folder = new URL('./', import.meta.url);
  for (;;) {
    const file = new URL('package.json', folder);
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) return file;
    const above = new URL('../', folder);
    if (above.href === folder.href) throw new Error(`no package.json above ${import.meta.url}`);
    folder = above;
  }
}

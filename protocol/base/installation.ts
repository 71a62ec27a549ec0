/**
 * Finds the programs, the web page and the version of this installation, which processes need to
 * start each other. Only this module names folders of `dist`. Reads `package.json` and file times,
 * and only when a function is called: a user's bundler may copy this module to a place without any
 * `package.json`, where importing it must still work.
 *
 * ```
 * dist/programs/NAME.cjs       a program bundled with everything it imports; starts in half the time
 * dist/…/main.js               its compiled modules; run while they are newer than the bundle
 * dist/library/mirrorflow.js   the bundled client library; what package.json exports
 * ```
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PACKAGE_NAME = 'mirrorflow';
/** Below `dist`; written by every compilation that changed a file. */
const COMPILATION_RECORD = '.tsbuildinfo';

/** The main module of each program, below `dist`; the flow thread is a program for a worker. */
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

interface Package {
  readonly file: URL;
  readonly version: string;
}

let cachedPackage: Package | undefined;

/**
 * The file that Node must run for a program: its bundle, or its main module if that was compiled
 * later. Throws an Error if this module is outside an installation of mirrorflow.
 */
export function programPath(program: Program): string {
  const bundle = distUrl(`programs/${program}.cjs`);
  return fileURLToPath(
    modifiedAtMs(bundle) >= modifiedAtMs(distUrl(COMPILATION_RECORD))
      ? bundle
      : distUrl(PROGRAM_MODULES[program]),
  );
}

/** The folder of the web viewer's page. Throws like `programPath`. */
export function webAssets(): string {
  return fileURLToPath(distUrl('web/static'));
}

/** The version of the installed package, for users; processes compare PROTOCOL_VERSION. */
export function packageVersion(): string {
  return installedPackage().version;
}

function distUrl(path: string): URL {
  return new URL(`dist/${path}`, installedPackage().file);
}

/** 0 for a file that does not exist. */
function modifiedAtMs(file: URL): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * This module is compiled into several folders of `dist` and into bundles, all below the package's
 * `package.json`. One of another package means that a bundler copied this module elsewhere.
 */
function installedPackage(): Package {
  cachedPackage ??= findPackage();
  return cachedPackage;
}

function findPackage(): Package {
  let folder = new URL('./', import.meta.url);
  for (;;) {
    const file = new URL('package.json', folder);
    const { name, version } = readPackage(file) ?? {};
    if (name === PACKAGE_NAME) return { file, version: typeof version === 'string' ? version : 'unknown' };
    const parent = new URL('../', folder);
    if (parent.href === folder.href) {
      throw new Error(
        `no package.json of ${PACKAGE_NAME} was found above ${import.meta.url}, so its programs cannot be started; ` +
          `declare ${PACKAGE_NAME} as external to your bundler`,
      );
    }
    folder = parent;
  }
}

function readPackage(file: URL): { name?: unknown; version?: unknown } | undefined {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown; version?: unknown };
}

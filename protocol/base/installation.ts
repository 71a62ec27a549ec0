/**
 * Finds the files of this installation: programs, the page, native modules, the version. Used by
 * servers that start children, by the client library and by the console. Reads package.json once.
 * The only module that names folders of the package.
 *
 * ```
 * dist/programs/NAME.cjs       a program bundled with everything it imports; starts in half the time
 * dist/programs/code/NAME.cjs  that of a server, which NAME.cjs runs with compiled code that is kept
 * dist/…/main.js               its compiled modules; run while they are newer than the bundle
 * dist/library/mirrorflow.js   the bundled client library; what package.json exports
 * addons/PLATFORM-ARCH-ABI/    the native modules built for one Node
 * ```
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE_NAME = 'mirrorflow';

/** The main module of each program, below `dist`; those named `…-thread` run in workers. */
export const PROGRAM_MODULES = {
  'app-server': 'app-server/main.js',
  duplicator: 'duplicator/main.js',
  'fit-thread': 'app-server/fit-thread/main.js',
  'flow-thread': 'client-lib/input/flow-thread/main.js',
  gateway: 'gateway/main.js',
  'host-server': 'host-server/main.js',
  'install-unit': 'host-server/boot/install-main.js',
  'message-thread': 'client-lib/messages/message-thread/main.js',
  'recording-thread': 'web/server/past/main.js',
  recorder: 'recorder/main.js',
  nats: 'nats/main.js',
  recovery: 'duplicator/recovery/main.js',
  simulator: 'simulator/main.js',
  web: 'web/main.js',
} as const;

export type Program = keyof typeof PROGRAM_MODULES;

interface Installation {
  /** Absolute path of the package's folder. */
  readonly folder: string;
  readonly version: string;
}

let cached: Installation | undefined;

/** The file that Node is to run for a program, as it is now. */
export function programPath(program: Program): string {
  const dist = join(packageFolder(), 'dist');
  const bundle = join(dist, 'programs', `${program}.cjs`);
  // The compiler writes this file at each compilation that changed something; a package has none.
  const compiledAtMs = modifiedAtMs(join(dist, '.tsbuildinfo'));
  return modifiedAtMs(bundle) >= compiledAtMs ? bundle : join(dist, PROGRAM_MODULES[program]);
}

/** The folder of the web viewer's page. */
export function webAssets(): string {
  return join(packageFolder(), 'dist', 'web', 'static');
}

/** Builds of the native modules for the running Node: `addons/linux-x64-137`. */
export function addonFolder(): string {
  const { platform, arch, versions } = process;
  return join(packageFolder(), 'addons', `${platform}-${arch}-${versions.modules}`);
}

/** The version of the installed package, for people; what processes compare is PROTOCOL_VERSION. */
export function packageVersion(): string {
  return installation().version;
}

/**
 * The package's folder. Throws an Error when this module runs from a bundle that a user's bundler
 * made of the library and the package is not installed where the bundle can resolve it.
 */
export function packageFolder(): string {
  return installation().folder;
}

function installation(): Installation {
  cached ??= above(new URL('./', import.meta.url)) ?? resolvedFrom(import.meta.url);
  return cached;
}

/** Every folder of `dist` that this module is compiled or bundled into lies below package.json. */
function above(start: URL): Installation | undefined {
  for (let folder = start; ;) {
    const manifest = readManifest(fileURLToPath(folder));
    if (manifest !== undefined) return manifest;
    const parent = new URL('../', folder);
    if (parent.href === folder.href) return undefined;
    folder = parent;
  }
}

/** A user's bundle lies elsewhere; the package is then found as `import` finds it. */
function resolvedFrom(url: string): Installation {
  try {
    const manifest = createRequire(url).resolve(`${PACKAGE_NAME}/package.json`);
    const resolved = readManifest(join(manifest, '..'));
    if (resolved !== undefined) return resolved;
  } catch {
    // Not installed where the bundle is: reported below.
  }
  throw new Error(
    `the package ${PACKAGE_NAME} is not installed beside ${fileURLToPath(url)}; its programs and native modules ` +
      'are files that a bundle does not contain: install it where the bundle runs',
  );
}

function readManifest(folder: string): Installation | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name?: unknown;
      version?: unknown;
    };
    if (manifest.name !== PACKAGE_NAME) return undefined;
    return { folder, version: typeof manifest.version === 'string' ? manifest.version : 'unknown' };
  } catch {
    return undefined;
  }
}

/** 0 for a file that is not there. */
function modifiedAtMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

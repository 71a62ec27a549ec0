/**
 * Loads the native modules of `mmap-io` and `unix-dgram` as this package builds them, from the
 * folder of addons/ that belongs to the running Node. Used by the two modules that wrap them. The
 * packages' own entry modules are not used: one loads a build tool that takes 40 ms in every
 * process, the other searches a dozen folders.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { MirrorflowError } from '../errors.js';
import { addonFolder, packageFolder } from '../installation.js';

/** mmap-io's module, and unix-dgram's JavaScript part, which loads its own native module. */
const FILES = {
  'mmap-io': () => join(addonFolder(), 'mmap_io.node'),
  'unix-dgram': () => join(packageFolder(), 'addons', 'unix-dgram.cjs'),
} as const;

/**
 * The exports of a native module; Node loads it once per thread. Throws SYSTEM_ERROR where this
 * installation has no build for the running Node, with the command that makes one.
 */
export function loadNativeAddon(name: keyof typeof FILES): unknown {
  const path = FILES[name]();
  if (existsSync(path)) return createRequire(path)(path);
  const { platform, arch, version } = process;
  throw new MirrorflowError(
    'SYSTEM_ERROR',
    `this installation has no build of ${name} for Node ${version} on ${platform} ${arch} (${path}); ` +
      'make one with: mirrorflow build-addons',
    { path },
  );
}

// The Node versions that are supported, and how scripts get the ones that are not installed: as
// packages of the registry, kept in node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './setup.mjs';

/** `abi`: process.versions.modules of every release of that major. */
export const SUPPORTED_NODES = [
  { major: 20, abi: '115' },
  { major: 22, abi: '127' },
  { major: 24, abi: '137' },
  { major: 26, abi: '147' },
];

/**
 * The prefix of a Node of this major, with bin/node and include/node: the running one, or a package
 * of the registry.
 */
export function nodePackage(major) {
  const prefix = dirname(dirname(process.execPath));
  if (process.versions.node.startsWith(`${major}.`) && existsSync(join(prefix, 'include', 'node', 'node.h')))
    return prefix;
  const cache = join(ROOT, 'node_modules', '.cache', 'nodes');
  const target = join(cache, `${major}-${process.arch}`);
  if (existsSync(join(target, 'bin', 'node'))) return target;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'unpacking-'));
  try {
    const name = `node-linux-${process.arch}@${major}`;
    const packed = command('npm', ['pack', name, '--silent', '--pack-destination', scratch])
      .trim()
      .split('\n')
      .pop();
    command('tar', ['-xzf', join(scratch, packed), '-C', scratch]);
    rmSync(target, { recursive: true, force: true });
    renameSync(join(scratch, 'package'), target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

function command(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) return result.stdout;
  throw new Error(
    `${program} ${args.join(' ')} failed: ${(result.stderr || result.error?.message || '').trim()}`,
  );
}

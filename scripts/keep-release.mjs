// `npm run keep-release`: keeps the programs and the library of the present build as
// test/upgrade/mirrorflow-VERSION.tar.br. The test of upgrades exchanges its servers, one by one,
// for those of the source tree. Run at a release, once; the release before it can then be deleted.
// Native modules are not in it: the test takes those that are built. Needs tar.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { ROOT, prepare } from './setup.mjs';

/** What programs do not need, or can make again. */
const LEFT_OUT = /\.(map|d\.ts|br|gz)$/;

prepare({ build: true });
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'mirrorflow-release-'));
try {
  const filter = (path) => !LEFT_OUT.test(path);
  for (const part of ['dist/programs', 'dist/library', 'dist/web/static', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, filter });
  // Always in the same order and with the same times, so that equal releases are equal files.
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  const archive = execFileSync('tar', [...options, '-c', ...readdirSync(folder).toSorted()], {
    cwd: folder,
    maxBuffer: 2 ** 28,
  });
  const target = join(ROOT, 'test', 'upgrade');
  mkdirSync(target, { recursive: true });
  const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: archive.length };
  const kept = join(target, `mirrorflow-${version}.tar.br`);
  writeFileSync(kept, brotliCompressSync(archive, { params }));
  process.stdout.write(`${kept}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

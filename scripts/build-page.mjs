// Bundles the page of the web viewer to dist/web/static: one script, one style sheet, the worker
// for fits, the document, and the document for JSROOT with its own, each also compressed. Called by
// set-up (setup.mjs) after tsc; skipped when no source of the page is newer. Uses esbuild, whose
// program ships inside its package.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from './setup.mjs';

const SOURCES = ['plotting', 'analysis', 'web/page', 'web/view', 'web/wire', 'protocol/base'].map((folder) =>
  join(ROOT, folder),
);
const TARGET = join(ROOT, 'dist', 'web', 'static');
/** Smaller files are not worth a compressed form. */
const COMPRESSED_FROM_BYTES = 512;

function newest(folder) {
  return Math.max(
    ...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, String(name))).mtimeMs),
  );
}

function builtAt() {
  try {
    return statSync(join(TARGET, 'index.html')).mtimeMs;
  } catch {
    return 0;
  }
}

function compressed(path) {
  const bytes = readFileSync(path);
  if (bytes.length < COMPRESSED_FROM_BYTES) return;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
}

const script = newest(join(ROOT, 'scripts'));
if (builtAt() < Math.max(script, ...SOURCES.map(newest))) {
  // Beside the old one and then in its place, so that a server that starts meanwhile finds one or
  // the other whole.
  const fresh = `${TARGET}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const common = {
    absWorkingDir: ROOT,
    outdir: fresh,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome110', 'firefox115', 'safari16'],
    metafile: true,
    logLevel: 'warning',
  };
  // First the worker and what is loaded later, whose names the page has to know.
  const pathOf = async (name, source = `${name}.ts`) => {
    const { metafile } = await build({ ...common, entryPoints: { [name]: `web/page/${source}` } });
    return `/${basename(Object.keys(metafile.outputs)[0] ?? '')}`;
  };
  const workerPath = await pathOf('fit-worker');
  const [filesPath, dialogsPath] = [await pathOf('plot-files'), await pathOf('dialogs')];
  const [trendPath, trendStylePath] = [
    await pathOf('trend-plot'),
    await pathOf('trend-style', 'trend-plot.css'),
  ];
  const paths = {
    FIT_WORKER_PATH: workerPath,
    PLOT_FILES_PATH: filesPath,
    DIALOGS_PATH: dialogsPath,
    TREND_PLOT_PATH: trendPath,
    TREND_STYLE_PATH: trendStylePath,
  };
  const result = await build({
    ...common,
    define: Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, JSON.stringify(path)])),
    external: [filesPath, dialogsPath, trendPath],
    entryPoints: {
      page: 'web/page/main.ts',
      style: 'web/page/style.css',
      'jsroot-page': 'web/page/jsroot-page.ts',
      'jsroot-style': 'web/page/jsroot.css',
    },
  });
  const outputs = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const named = (start) => outputs.find((name) => name.startsWith(start));
  const document = readFileSync(join(ROOT, 'web', 'page', 'index.html'), 'utf8')
    .replace('page.js', named('page-'))
    .replace('style.css', named('style-'));
  writeFileSync(join(fresh, 'index.html'), document);
  // The same document for browsers that must sign in first: the page reads it from an attribute.
  writeFileSync(join(fresh, 'gate.html'), document.replace('<html ', '<html data-gate '));
  const jsroot = readFileSync(join(ROOT, 'web', 'page', 'jsroot.html'), 'utf8')
    .replace('jsroot-page.js', named('jsroot-page-'))
    .replace('jsroot.css', named('jsroot-style-'));
  writeFileSync(join(fresh, 'jsroot.html'), jsroot);
  writeFileSync(join(fresh, 'icon.svg'), readFileSync(join(ROOT, 'web', 'page', 'icon.svg')));
  for (const name of readdirSync(fresh)) compressed(join(fresh, name));
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(fresh, TARGET);
}

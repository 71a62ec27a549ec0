// `npm run api-docs [-- --output DIR | --check]`: writes a page for every class, type and function
// of the library as Markdown, by default to docs/api. `--check` writes nothing and lists what has
// no documentation. Exit codes: 1 for a gap, 3 when TypeDoc cannot be installed.
//
// TypeDoc reads the declarations that the package contains. It needs an older TypeScript than the
// project, so that both are installed apart, from the registry, in node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, fail } from './setup.mjs';

const TOOL = join(ROOT, 'scripts', 'api-docs');
const CACHE = join(ROOT, 'node_modules', '.cache', 'api-docs');
const DECLARATIONS = join(ROOT, 'dist', 'types', 'esm', 'client-lib', 'index.d.ts');
const EXIT_NO_TOOL = 3;
/** Members of a struct of the contract have their texts in its schema: docs/xml-rpc-methods.md. */
const OF_CONTRACT = /\.__type\b|\(Property\), defined in \S*protocol\/rpc\/contract\//;

const { output, check } = options();
install();
const folder = mkdtempSync(join(tmpdir(), 'mirrorflow-api-'));
try {
  const gaps = document(folder);
  for (const gap of gaps) console.error(gap);
  if (gaps.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        output: { type: 'string', default: join(ROOT, 'docs', 'api') },
        check: { type: 'boolean', default: false },
      },
    });
    return { output: resolve(values.output), check: values.check };
  } catch (error) {
    return fail(error.message);
  }
}

/** Installs what package-lock.json of the tool states, unless it is installed. */
function install() {
  const lock = readFileSync(join(TOOL, 'package-lock.json'), 'utf8');
  const installed = join(CACHE, 'installed-lock.json');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === lock) return;
  cpSync(TOOL, CACHE, { recursive: true });
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: CACHE,
    encoding: 'utf8',
  });
  if (status !== 0) {
    process.stderr.write(`TypeDoc cannot be installed: ${stderr.trim().split('\n').pop()}\n`);
    process.exit(EXIT_NO_TOOL);
  }
  writeFileSync(installed, lock);
}

/** Runs TypeDoc; returns its warnings about what is not documented. */
function document(scratch) {
  if (!existsSync(DECLARATIONS)) fail('there are no declarations: npm run build makes them.');
  const tsconfig = join(scratch, 'tsconfig.json');
  const compilerOptions = {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: [DECLARATIONS] }));
  const modules = join(CACHE, 'node_modules');
  // prettier-ignore
  const words = [
    join(modules, 'typedoc', 'bin', 'typedoc'),
    '--tsconfig', tsconfig, '--entryPoints', DECLARATIONS, '--readme', 'none', '--disableSources',
    '--name', 'mirrorflow', '--excludePrivate', '--excludeInternal', '--validation.notDocumented', 'true',
    '--plugin', join(modules, 'typedoc-plugin-markdown', 'dist', 'index.js'),
    ...(check ? ['--emit', 'none'] : ['--out', output]),
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: ROOT });
  // oxlint-disable-next-line no-control-regex -- colours of the terminal
  const lines = `${stdout}\n${stderr}`.replaceAll(/\x1b\[[0-9;]*m/g, '').split('\n');
  if (status !== 0) fail(`TypeDoc failed: ${lines.filter((line) => line.startsWith('[error]')).join('; ')}`);
  return lines
    .filter((line) => line.includes('does not have any documentation') && !OF_CONTRACT.test(line))
    .map((line) => line.replace('[warning] ', ''));
}

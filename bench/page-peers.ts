/**
 * `page-peers`: a plot of the web viewer beside JSROOT and uPlot, in the same Chromium and run: a
 * map of 1,024 × 1,024 channels and a histogram of 4,096, drawn into an empty element (`first`)
 * and again with other counts (`next`); processor time of the page's main thread, time by the
 * clock, and sizes of the scripts. `--peers` names a `node_modules` folder with jsroot and uplot;
 * without it, or without one of them, its rows have no figure. Starts a browser.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';
import { packageFolder, webAssets } from '../protocol/base/installation.js';
import { makeRow, makeRowPerPeer, median, type Peer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';

const BROWSERS = [process.env['MIRRORFLOW_BROWSER'], '/usr/bin/chromium', '/usr/bin/google-chrome'];
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
/** Drawings after the first one of a page. */
const NEXT_TURNS = 10;
/** No such host: `openDocument` answers in its place. */
const ORIGIN = 'http://drawing.invalid';

interface Library {
  readonly name: string;
  /** Name of the functions in `web/page/drawing-bench.ts` that draw. */
  readonly drawing: 'ours' | 'jsroot' | 'uplot';
  /** Files below the folder of `--peers`. */
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
  readonly kinds: readonly Kind[];
}

const KINDS = ['histogram', 'map'] as const;
type Kind = (typeof KINDS)[number];
const TITLES: Readonly<Record<Kind, string>> = { histogram: '4,096 channels', map: 'map 1,024²' };

const OURS: Library = { name: 'mirrorflow', drawing: 'ours', scripts: [], styles: [], kinds: KINDS };
const PEERS: readonly Library[] = [
  {
    name: 'JSROOT',
    drawing: 'jsroot',
    scripts: ['jsroot/build/jsroot.min.js'],
    styles: [],
    kinds: KINDS,
  },
  {
    name: 'uPlot',
    drawing: 'uplot',
    scripts: ['uplot/dist/uPlot.iife.min.js'],
    styles: ['uplot/dist/uPlot.min.css'],
    kinds: ['histogram'],
  },
];
/** JSROOT without 3-D, for its size. */
const FLAT_JSROOT = 'jsroot/build/hist2d.min.js';

interface Figures {
  readonly firstCpuMs: number;
  readonly firstMs: number;
  readonly nextCpuMs: number;
  readonly nextMs: number;
}

const FIGURES: readonly (readonly [keyof Figures, string])[] = [
  ['firstCpuMs', 'first, processor time'],
  ['firstMs', 'first, by the clock'],
  ['nextCpuMs', 'next, processor time'],
  ['nextMs', 'next, by the clock'],
];

export async function pagePeers(settings: BenchSettings): Promise<Row[]> {
  const executablePath = BROWSERS.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (executablePath === undefined) {
    process.stderr.write('page-peers: no Chromium on this machine; set MIRRORFLOW_BROWSER to one\n');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  try {
    const program = await bundled(folder);
    const rows: Row[] = [];
    for (const kind of KINDS) rows.push(...(await rowsOf(browser, program, kind, settings)));
    return [...rows, ...sizes(settings)].filter((row) => isSelected(settings, row.case));
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The path of the browser's half in one file. */
async function bundled(folder: string): Promise<string> {
  const outfile = join(folder, 'drawing-bench.js');
  await build({
    entryPoints: [join(packageFolder(), 'web', 'page', 'drawing-bench.ts')],
    outfile,
    bundle: true,
    minify: true,
    format: 'iife',
    define: { FIT_WORKER_PATH: '""', PLOT_FILES_PATH: '""', DIALOGS_PATH: '""' },
    logLevel: 'warning',
  });
  return outfile;
}

/** The libraries take turns, so that a load of the machine meets all of them. */
async function rowsOf(
  browser: Browser,
  program: string,
  kind: Kind,
  { repeats, peers }: BenchSettings,
): Promise<Row[]> {
  const measured = [OURS, ...PEERS]
    .filter(({ kinds }) => kinds.includes(kind))
    .map((library) => ({ library, figures: [] as Figures[] }));
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const { library, figures } of measured) {
      const files = [...library.scripts, ...library.styles].map((file) => join(peers ?? '', file));
      if (library !== OURS && (peers === undefined || !files.every((file) => existsSync(file)))) continue;
      figures.push(await measure(browser, program, library, kind, peers ?? ''));
    }
  }
  const [ours, ...others] = measured;
  if (ours === undefined) return [];
  return FIGURES.flatMap(([key, title]) => {
    const compared = others.map<Peer>(({ library, figures }) => {
      return { name: library.name, values: figures.map((one) => one[key]) };
    });
    const values = ours.figures.map((one) => one[key]);
    return makeRowPerPeer('page-peers', `${TITLES[kind]}, ${title}`, 'ms', values, compared);
  });
}

/** A page of its own, so that the first drawing is that of a page that was just opened. */
async function measure(
  browser: Browser,
  program: string,
  { drawing, scripts, styles }: Library,
  kind: Kind,
  peers: string,
): Promise<Figures> {
  const context = await browser.newContext({ viewport: { width: 1_300, height: 900 } });
  try {
    const opened = await context.newPage();
    const files = [...styles, ...scripts].map((file) => join(peers, file));
    await openDocument(opened, [
      ...files,
      ...(drawing === 'ours' ? [pageFile('style-', '.css')] : []),
      program,
    ]);
    const session = await context.newCDPSession(opened);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const turns: { cpuMs: number; ms: number }[] = [];
    for (let turn = 0; turn <= NEXT_TURNS; turn += 1) {
      await opened.evaluate(`prepareTurn('${drawing}', '${kind}', ${turn})`);
      turns.push(await drawTurn(opened, session));
    }
    const [first, ...next] = turns;
    return {
      firstCpuMs: first?.cpuMs ?? Number.NaN,
      firstMs: first?.ms ?? Number.NaN,
      nextCpuMs: median(next.map(({ cpuMs }) => cpuMs)),
      nextMs: median(next.map(({ ms }) => ms)),
    };
  } finally {
    await context.close();
  }
}

/** A document that names the files, answered without a server; JSROOT needs scripts with a path. */
async function openDocument(opened: Page, files: readonly string[]): Promise<void> {
  const tags = files.map((file, index) =>
    file.endsWith('.css') ? `<link rel="stylesheet" href="/${index}">` : `<script src="/${index}"></script>`,
  );
  await opened.route(`${ORIGIN}/**`, async (route) => {
    const path = files[Number(new URL(route.request().url()).pathname.slice(1) || Number.NaN)];
    if (path !== undefined) return route.fulfill({ path });
    await route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><meta charset="utf-8" /><title>drawing</title>${tags.join('')}<body></body>`,
    });
  });
  await opened.goto(ORIGIN, { waitUntil: 'load' });
}

async function drawTurn(opened: Page, session: CDPSession): Promise<{ cpuMs: number; ms: number }> {
  const before = await taskMs(session);
  const ms = Number(await opened.evaluate('drawTurn()'));
  return { cpuMs: (await taskMs(session)) - before, ms };
}

/** Processor time of all tasks of the page's main thread. */
async function taskMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
}

function pageFile(start: string, end: string): string {
  const found = readdirSync(webAssets()).find((name) => name.startsWith(start) && name.endsWith(end));
  return join(webAssets(), found ?? '');
}

/** The script of the whole page beside those of the libraries, compressed alike. */
function sizes({ peers }: BenchSettings): Row[] {
  const kilobytes = (path: string): number => brotliCompressSync(readFileSync(path)).length / 1_000;
  const files = PEERS.map(({ name, scripts: [script = ''] }) => [name, script] as const);
  const compared = [...files, ['JSROOT without 3-D', FLAT_JSROOT] as const].map<Peer>(([name, file]) => {
    const path = join(peers ?? '', file);
    return { name, values: peers !== undefined && existsSync(path) ? [kilobytes(path)] : [] };
  });
  const ours = [kilobytes(pageFile('page-', '.js'))];
  return compared.map((peer) => makeRow('page-peers', 'script, brotli', 'kB', ours, peer));
}

/**
 * Stacks that name our source files. Node does that itself with --enable-source-maps, and reads
 * every map at each start for it; here a map is read when there is an error to tell.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `file:///…/main.js:12:34` or `/…/duplicator.cjs:12:34`. */
const POSITION = /(?:file:\/\/)?(\/[^\s():]+\.c?js):(\d+):(\d+)/g;

/**
 * The stack of an error with places in the sources where their maps are there; undefined for what
 * is no error.
 */
export function sourceStack(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || thrown.stack === undefined) return undefined;
  const maps = new Map<string, SourceMap | undefined>();
  return thrown.stack.replace(POSITION, (compiled: string, file: string, line: string, column: string) => {
    const path = compiled.startsWith('file:') ? fileURLToPath(`file://${file}`) : file;
    if (!maps.has(path)) maps.set(path, mapOf(path));
    const origin = maps.get(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (origin === undefined || !('originalSource' in origin)) return compiled;
    const source = relative(process.cwd(), resolve(dirname(path), origin.originalSource));
    return `${source}:${origin.originalLine + 1}:${origin.originalColumn + 1}`;
  });
}

function mapOf(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined; // the compiled place is what there is then
  }
}

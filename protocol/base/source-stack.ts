/**
 * Stack traces with positions in the TypeScript sources instead of the compiled files, for the logs
 * of unexpected errors. Node's --enable-source-maps would do the same but reads every source map at
 * each start; this module reads a map when an error is logged. Reads files named `*.js.map`.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `file:///…/main.js:12:34` or `/…/duplicator.cjs:12:34`. */
const POSITION = /(?:file:\/\/)?(\/[^\s():]+\.c?js):(\d+):(\d+)/g;

/**
 * The stack trace of an error, mapped to the sources where a map exists; undefined for a thrown
 * value that is not an Error.
 */
export function sourceStack(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || thrown.stack === undefined) return undefined;
  const maps = new Map<string, SourceMap | undefined>();
  return thrown.stack.replace(POSITION, (compiled: string, file: string, line: string, column: string) => {
    const path = compiled.startsWith('file:') ? fileURLToPath(`file://${file}`) : file;
    if (!maps.has(path)) maps.set(path, loadSourceMap(path));
    const origin = maps.get(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (origin === undefined || !('originalSource' in origin)) return compiled;
    const source = relative(process.cwd(), resolve(dirname(path), origin.originalSource));
    return `${source}:${origin.originalLine + 1}:${origin.originalColumn + 1}`;
  });
}

function loadSourceMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined; // the stack keeps the compiled position
  }
}

#!/usr/bin/env node
/**
 * What dist/programs/NAME.cjs of a server contains: runs code/NAME.cjs beside it with the code that
 * V8 compiled at an earlier start, which spares half of the time that the program takes to load.
 * The build copies it for each program. Reads the program and its code cache.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { CodeCache } from './code-cache.js';
import { offerCompiledCode } from './compiled-code.js';

const PARAMETERS = '(function (require, __filename) { ';

type Program = (require: NodeJS.Require, filename: string) => void;

function launch(file: string): void {
  const fd = openSync(file, 'r');
  const stats = fstatSync(fd, { bigint: true });
  const text = readFileSync(fd, 'latin1'); // the bundler writes ASCII
  closeSync(fd);
  const { env, execArgv } = process;
  const cache = CodeCache.of(file, stats, { uid: process.geteuid?.() ?? 0, env, execArgv });
  const cachedData = cache?.read();
  const script = new Script(`${PARAMETERS}${text.startsWith('#!') ? `//${text.slice(2)}` : text}\n})`, {
    filename: file,
    columnOffset: -PARAMETERS.length,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true))
    offerCompiledCode(() => cache.keep(script.createCachedData()));
  const program = script.runInThisContext() as Program;
  program(createRequire(file), file);
}

const own = fileURLToPath(import.meta.url);
launch(join(dirname(own), 'code', basename(own)));

/**
 * Writes spectra to files or standard output for `mirrorflow save`. A file is written beside its
 * place and renamed, so that no reader finds a part. Creates the directory that is named.
 */
import { mkdirSync, openSync, closeSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
import type { SavedSpectrum } from '../plotting/files/saved-spectrum.js';
import { FORMAT_FACTS, type SaveFormat } from '../plotting/files/save-formats.js';
import { fileContent, fileNames, whyNotSaved } from '../plotting/files/spectrum-files.js';
import type { Output } from './output.js';
import type { SavedPublication } from './saved-publication.js';

export interface FileTarget {
  readonly format: SaveFormat;
  /** A file, a directory, or undefined for standard output. */
  readonly path: string | undefined;
  /** Leaves spectra out that the format cannot hold, with a note; else they are an error. */
  readonly skips: boolean;
}

/** Throws BAD_OPTION for what the format or target cannot hold, and SYSTEM_ERROR. */
export function writeFiles(
  output: Output,
  { spectra, sequence }: SavedPublication,
  { format, path, skips }: FileTarget,
): void {
  const saved = spectra.filter((spectrum) => {
    const reason = whyNotSaved(format, spectrum);
    if (reason === undefined) return true;
    if (!skips) throw new MirrorflowError('BAD_OPTION', reason, { name: spectrum.name });
    output.note(`left out: ${reason}`);
    return false;
  });
  if (path !== undefined && isDirectory(path)) {
    const names = fileNames(format, saved);
    saved.forEach((spectrum, index) => writeFile(join(path, names[index] ?? ''), format, [spectrum]));
    return report(
      output,
      names.map((name) => join(path, name)),
      saved.length,
      sequence,
    );
  }
  if (saved.length > 1 && !FORMAT_FACTS[format].holdsSeveral) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a file in the format ${format} holds one spectrum, not ${saved.length}; name a directory: --output DIR/`,
    );
  }
  if (path !== undefined) {
    writeFile(path, format, saved);
    return report(output, [path], saved.length, sequence);
  }
  if (!FORMAT_FACTS[format].isText) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a .${FORMAT_FACTS[format].extension} file is no text; name a file or directory: --output FILE`,
    );
  }
  const decoder = new TextDecoder();
  for (const piece of fileContent(format, saved)) output.raw(decoder.decode(piece));
}

/** A path that ends in a slash is created. */
function isDirectory(path: string): boolean {
  try {
    if (path.endsWith('/')) mkdirSync(path, { recursive: true });
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `cannot write to ${path}: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

function writeFile(path: string, format: SaveFormat, spectra: readonly SavedSpectrum[]): void {
  const fresh = `${path}.${process.pid}.part`;
  try {
    const file = openSync(fresh, 'w');
    try {
      for (const piece of fileContent(format, spectra)) writeFileSync(file, piece);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch (error) {
    removeIfThere(fresh);
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `cannot write ${path}: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

/** Newer versions of Node throw where a folder of the path is a file. */
function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The file was never created.
  }
}

function report(output: Output, files: readonly string[], spectra: number, sequence: number): void {
  if (output.json) return output.value({ files, spectra, sequence });
  const of = `${spectra} ${spectra === 1 ? 'spectrum' : 'spectra'} of publication ${sequence}`;
  output.lines(files.length === 1 ? [`${files[0]}: ${of}`] : [...files, of]);
}

/**
 * The files that packages get from the commands: completion of both shells and manual pages.
 *
 * `scripts/debian-package.mjs` writes them. Pure: returns texts by their paths below `/usr`.
 */
import type { Command } from '../command.js';
import { completionScript } from './completion-script.js';
import { manPages } from './man-pages.js';

export function referenceFiles(commands: readonly Command[], version: string): ReadonlyMap<string, string> {
  const pages = [...manPages(commands, version)];
  return new Map([
    ['share/bash-completion/completions/mirrorflow', completionScript('bash', commands)],
    ['share/zsh/vendor-completions/_mirrorflow', completionScript('zsh', commands)],
    ...pages.map(([name, text]) => [`share/man/man1/${name}`, text] as const),
  ]);
}

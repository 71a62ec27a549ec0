// The texts that Debian wants in every package: copyright, with the licences of all that the
// package contains, and changelog. Called by content.mjs. Reads the packages' own texts.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packages } from '../licences.mjs';
import { ROOT } from '../setup.mjs';

const LICENCE_FILE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;
/** Columns of a line of the changelog. */
const COLUMNS = 78;

export function copyright({ prefix, version }) {
  const parts = [
    'mirrorflow',
    '==========',
    '',
    readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim(),
    '',
    'The package contains programs of others, compiled or bundled, under these licences.',
  ];
  const add = (title, text) => parts.push('', '', title, '='.repeat(title.length), '', text.trim());
  const nodeLicence = prefix === undefined ? undefined : join(prefix, 'LICENSE');
  add(
    `Node.js ${version}`,
    nodeLicence !== undefined && existsSync(nodeLicence)
      ? readFileSync(nodeLicence, 'utf8')
      : 'MIT, and the licences of what Node.js contains: https://github.com/nodejs/node/blob/main/LICENSE',
  );
  for (const { name, alias, version: installed, licence } of contained())
    add(
      `${name} ${installed} (${licence})`,
      licence === 'Apache-2.0' ? apacheText(alias) : (licenceText(alias) ?? `The licence ${licence}.`),
    );
  return `${parts.join('\n').replaceAll('\r', '')}\n`;
}

/** The changes of this version, as entries of a Debian changelog. */
export function changelog({ version, maintainer, builtAt }) {
  const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const [, ...sections] = text.split(/^## /m);
  const [newest = ''] = sections;
  const items = newest
    .split(/^- /m)
    .slice(1)
    .map((item) => plain(item.replaceAll(/\s+/g, ' ').trim()));
  const date = new Date(builtAt * 1000).toUTCString().replace('GMT', '+0000');
  return [
    `mirrorflow (${version}) unstable; urgency=medium`,
    '',
    ...items.flatMap((item) => wrapped(item).map((line, index) => `${index === 0 ? '  * ' : '    '}${line}`)),
    '',
    ` -- ${maintainer}  ${date}`,
    '',
  ].join('\n');
}

/** What runs on the user's machine: the published packages that are installed here. */
function contained() {
  return packages().filter(
    ({ published, alias }) => published && existsSync(join(ROOT, 'node_modules', alias, 'package.json')),
  );
}

/** Debian has the text of this licence once. */
function apacheText(name) {
  const folder = join(ROOT, 'node_modules', name);
  const { author, contributors = [] } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const owner = author?.name ?? author ?? contributors[0]?.name ?? contributors[0] ?? 'its authors';
  const notice = join(folder, 'NOTICE');
  return [
    `Copyright ${owner}. Licensed under the Apache License, Version 2.0, whose text is on Debian`,
    'systems in /usr/share/common-licenses/Apache-2.0.',
    ...(existsSync(notice) ? ['', readFileSync(notice, 'utf8').trim()] : []),
  ].join('\n');
}

function licenceText(name) {
  const folder = join(ROOT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => LICENCE_FILE.test(entry));
  return file === undefined ? undefined : readFileSync(join(folder, file), 'utf8');
}

/** Markdown without links and marks. */
function plain(text) {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}

function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== '' && line.length + word.length + 5 > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

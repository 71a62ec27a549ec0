/** Manual pages and help topics are made from the commands, and tell all that there is. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseCommandLine } from '../../../console/command-line.js';
import { COMMANDS } from '../../../console/commands/table.js';
import { EXIT } from '../../../console/exit-codes.js';
import { ENVIRONMENT, INTERNAL_VARIABLES } from '../../../console/reference/environment.js';
import { referenceFiles } from '../../../console/reference/files.js';
import { manPages } from '../../../console/reference/man-pages.js';
import { TOPICS } from '../../../console/reference/topics.js';
import { packageFolder } from '../../../protocol/base/installation.js';
import { skip } from '../../kit/skip.js';

const SOURCES = [
  'protocol',
  'duplicator',
  'app-server',
  'host-server',
  'client-lib',
  'console',
  'gateway',
  'web',
];

describe('the manual pages', () => {
  const pages = manPages(COMMANDS, '1.2.3');

  it('every command has a page with all its options and examples', () => {
    for (const { name, options, examples } of COMMANDS) {
      const text = (pages.get(`mirrorflow-${name}.1`) ?? '').replaceAll(/\\-/g, '-');
      for (const option of Object.keys(options)) expect(text, name).to.contain(`--${option}`);
      expect(text.match(/\.EX/g) ?? [], name).to.have.length(examples.length);
    }
    for (const { name } of COMMANDS)
      expect(pages.get('mirrorflow.1')).to.contain(name.replaceAll('-', '\\-'));
  });

  it('packages get a page for each command, and the completion of both shells', () => {
    const paths = [...referenceFiles(COMMANDS, '1.2.3').keys()];
    expect(paths).to.include.members([
      ...COMMANDS.map(({ name }) => `share/man/man1/mirrorflow-${name}.1`),
      'share/bash-completion/completions/mirrorflow',
      'share/zsh/vendor-completions/_mirrorflow',
    ]);
  });

  it('groff formats every page without a warning', function () {
    if (spawnSync('groff', ['--version']).status !== 0) skip(this, 'groff is not installed');
    for (const [name, input] of pages) {
      const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-z'], {
        input,
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }, name).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    }
  });
});

describe('the topics of the help', () => {
  it('each topic has a text that fits the terminal, and no topic has the name of a command', async () => {
    for (const { name, rows } of TOPICS) {
      const parsed = await parseCommandLine(['help', name], COMMANDS, 60);
      if (parsed.kind !== 'help') throw new Error(`no help for ${name}`);
      for (const [term] of rows) expect(parsed.text).to.contain(term);
      for (const line of parsed.text.split('\n')) expect(line.length, line).to.be.at.most(60);
      expect(COMMANDS.map((command) => command.name)).not.to.contain(name);
    }
  });

  it('the general help names the topics', async () => {
    const parsed = await parseCommandLine(['--help'], COMMANDS);
    for (const { name } of TOPICS) expect(parsed.kind === 'help' && parsed.text).to.contain(name);
  });

  it('every exit code has its meaning', () => {
    const rows = TOPICS.find(({ name }) => name === 'exit-codes')?.rows ?? [];
    expect(rows.map(([code]) => Number(code))).to.have.members(Object.values(EXIT));
  });

  it('the list of environment variables is that of the sources', () => {
    const found = new Set<string>();
    for (const folder of SOURCES)
      for (const file of readdirSync(join(packageFolder(), folder), { recursive: true, encoding: 'utf8' })) {
        const path = join(packageFolder(), folder, file);
        if (!file.endsWith('.ts') || !statSync(path).isFile()) continue;
        const text = readFileSync(path, 'utf8');
        for (const [, name = ''] of text.matchAll(/'(MIRRORFLOW_[A-Z_]*[A-Z])'/g)) found.add(name);
      }
    const listed = ENVIRONMENT.map(({ name }) => name).filter((name) => name.startsWith('MIRRORFLOW_'));
    expect([...listed, ...INTERNAL_VARIABLES]).to.have.members([...found]);
  });
});

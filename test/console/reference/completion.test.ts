/** The completion scripts work in their shells, and offer what the commands take. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { COMMANDS } from '../../../console/commands/table.js';
import { completionScript } from '../../../console/reference/completion-script.js';
import { skip } from '../../kit/skip.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

describe('the completion of bash', () => {
  const directory = new TemporaryDirectory();
  let script = '';

  before(() => {
    script = directory.file('completion.bash');
    writeFileSync(script, completionScript('bash', COMMANDS));
    // In place of the program, which would ask running servers for names.
    const program = directory.file('mirrorflow');
    writeFileSync(
      program,
      '#!/bin/sh\necho "$*" | grep -q "^completion flow --app e1$" && echo events && echo a=b:c\n',
    );
    chmodSync(program, 0o755);
  });

  after(() => directory.remove());

  /** The replies to the tab key at the end of `line`. */
  function replies(line: string): string[] {
    const program = `source ${script}; COMP_LINE=$1; COMP_POINT=\${#1}; _mirrorflow; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${directory.path}:${process.env['PATH'] ?? ''}` };
    const output = execFileSync('bash', ['-uc', program, 'bash', line], {
      env,
      encoding: 'utf8',
      cwd: directory.path,
    });
    return output.split('\n').filter((reply) => reply !== '');
  }

  it('every command and every option of each command is completed', () => {
    expect(replies('mirrorflow ')).to.have.members([...COMMANDS.map(({ name }) => name), 'help']);
    for (const { name, options } of COMMANDS) {
      const expected = Object.keys(options).map((option) => `--${option}`);
      expect(replies(`mirrorflow ${name} --`), name).to.include.members([...expected, '--json', '--help']);
    }
  });

  it('choices are completed, also behind options with values and an equals sign', () => {
    expect(replies('mirrorflow --directory /tmp/x show ge.00 --scale ')).to.deep.equal([
      'linear',
      'log',
      'sqrt',
    ]);
    expect(replies('mirrorflow show --scale=l')).to.deep.equal(['linear', 'log']);
    expect(replies('mirrorflow host st')).to.deep.equal(['status', 'start', 'stop']);
    expect(replies('mirrorflow help exit-')).to.deep.equal(['exit-codes']);
  });

  it('names come from the program, and file names from the directory', () => {
    expect(replies('mirrorflow stats --app e1 ev')).to.deep.equal(['events']);
    expect(replies('mirrorflow record --app=e1 events ')).to.deep.equal(['events', 'a=b:c']);
    expect(replies('mirrorflow record --app e1 a=b')).to.deep.equal(['b:c']);
    expect(replies('mirrorflow stats ')).to.deep.equal([]);
    expect(replies('mirrorflow host start --config compl')).to.deep.equal(['completion.bash']);
  });
});

describe('the completion of zsh', () => {
  const directory = new TemporaryDirectory();
  after(() => directory.remove());

  it('zsh reads it and it lists the commands, the options and their choices', function () {
    if (spawnSync('zsh', ['--version']).status !== 0) skip(this, 'zsh is not installed');
    writeFileSync(directory.file('_mirrorflow'), completionScript('zsh', COMMANDS));
    // A shell on a terminal of its own, in which the tab key lists what fits.
    const program = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      ask() { zpty -w shell "$1"; zpty -r -m shell line "*$2*" || exit 1; print -r -- "$line" }
      ask "PS1='R''> '; fpath=(${directory.path} \\$fpath); autoload -U compinit; compinit -u -d ${directory.path}/dump; print ready''1" ready1
      ask $'mirrorflow pe\\tge.00 --thr\\t' threshold
      ask $'5\\nmirrorflow show ge.00 --scale l\\t\\t' log
      zpty -d shell`;
    const { status, stdout, stderr } = spawnSync('zsh', ['-fc', program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(status, stdout + stderr).to.equal(0);
  });
});

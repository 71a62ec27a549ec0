/**
 * The prompt and live displays at a real terminal: keys in, terminal output out. Python provides
 * the pseudo-terminal.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LEAVE_SCREEN } from '../../../console/render/screen.js';
import { ConsoleSystem, PROGRAM, RunningCommand } from '../system.js';
import { needsPython } from '../../kit/requirements.js';

/** Python: copies standard input to the terminal of the command, and the terminal to its output. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

describe('the console at a terminal', () => {
  let system: ConsoleSystem;

  before(async function () {
    needsPython(this, 'pty');
    system = new ConsoleSystem();
    const { address } = await system.simulator();
    await system.json('host', 'start');
    await system.json('run', 'e1', '--spectcl', address, '--linger', '60000');
  });

  after(async () => {
    // Undefined when the suite was skipped.
    await (system as ConsoleSystem | undefined)?.close();
  });

  function atTerminal(...words: string[]): RunningCommand {
    const env = { ...system.environment, TERM: 'xterm-256color' };
    const command = new RunningCommand(
      spawn('python3', ['-c', TERMINAL, process.execPath, PROGRAM, ...words], { env }),
    );
    system.adopt(command);
    return command;
  }

  it('the prompt completes commands and spectra and keeps its history', async () => {
    const command = atTerminal('console');
    await command.prints('mirrorflow> ');
    command.child.stdin.write('vers');
    await command.prints('vers');
    command.child.stdin.write('\t');
    await command.prints('version ');
    command.child.stdin.write('\r');
    await command.prints(/\d+\.\d+\.\d+\r\n/);
    command.child.stdin.write('show ge.00');
    await command.prints('ge.00');
    command.child.stdin.write('\t');
    await command.prints('show ge.00.Co-60 ');
    command.child.stdin.write('\u0003');
    await command.prints(/Co-60 [\s\S]*mirrorflow> /);
    command.child.stdin.write('\u0004');
    expect((await command.ended).exit).to.equal(0);
    const history = readFileSync(
      join(system.root, 'home', '.local', 'state', 'mirrorflow', 'history'),
      'utf8',
    );
    expect(history).to.equal('version \n');
  });

  it('Ctrl-C cancels a command and the prompt continues', async () => {
    const command = atTerminal('console');
    await command.prints('mirrorflow> ');
    command.child.stdin.write('stats --interval 3600000\r');
    await command.prints(/3600000\r+\n/);
    const prompts = command.stdout.split('mirrorflow> ').length;
    // Ctrl-C is a signal only when the command has the terminal again.
    const press = setInterval(() => command.child.stdin.write('\u0003'), 200);
    await command.eventually((text) => text.split('mirrorflow> ').length > prompts);
    clearInterval(press);
    command.child.stdin.write('exit\r');
    expect((await command.ended).exit).to.equal(0);
  });

  it('a live plot ends at q and restores the terminal', async () => {
    const command = atTerminal('show', 'ge.00.Co-60', '--watch');
    await command.prints('ge.energy.00');
    command.child.stdin.write('q');
    const { exit, stdout } = await command.ended;
    expect(exit).to.equal(0);
    expect(stdout.endsWith(LEAVE_SCREEN)).to.equal(true);
  });

  it('a live table that ends by a signal restores the terminal', async () => {
    const command = atTerminal('stats', '--watch');
    await command.prints('published');
    const table = system
      .processes()
      .find(({ line }) => /^process \d+: [^ ]*node /.test(line) && line.includes('stats'));
    process.kill(table!.pid, 'SIGTERM');
    const { exit, stdout } = await command.ended;
    expect(exit).to.equal(0);
    expect(stdout.endsWith(LEAVE_SCREEN)).to.equal(true);
  });
});

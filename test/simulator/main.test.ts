/** The simulator as a program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MirrorTestClient } from './mirror-test-client.js';

const PROGRAM = fileURLToPath(new URL('../../simulator/main.js', import.meta.url));

describe('spectcl-simulator', () => {
  const children: ChildProcess[] = [];

  function run(...options: string[]): { child: ChildProcess; output: () => string; ended: Promise<unknown> } {
    const child = spawn(process.execPath, [PROGRAM, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    return { child, output: () => output, ended: once(child, 'close') };
  }

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('the simulator prints its ports as JSON, serves, and stops on SIGTERM', async () => {
    const { child, output, ended } = run('--json', '--memory', '4', '--no-delay', '--no-checksum');
    while (!output().includes('\n')) await once(child.stdout!, 'data');
    const ready = JSON.parse(output()) as { restPort: number; mirrorPort: number; simulator: boolean };
    expect(ready.simulator).to.equal(true);
    const peer = await MirrorTestClient.connect(ready.mirrorPort);
    expect((await peer.update()).type).to.equal(3);
    const answer = await fetch(`http://127.0.0.1:${ready.restPort}/spectcl/sbind/list`);
    expect(await answer.text()).to.not.contain('checksum');
    child.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
    peer.close();
  });

  it('the simulator stops at the end of standard input with --end-with-stdin', async () => {
    const child = spawn(process.execPath, [PROGRAM, '--json', '--end-with-stdin'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    const ended = once(child, 'close');
    await once(child.stdout, 'data');
    child.stdin.end();
    expect(await ended).to.deep.equal([0, null]);
  });

  it('the help of the simulator states that it is not SpecTcl', async () => {
    const { output, ended } = run('--help');
    await ended;
    expect(output()).to.match(/not SpecTcl/);
  });

  it('the simulator refuses invalid options and spectra that do not fit', async () => {
    for (const [options, code] of [
      [['--memory', '0'], 2],
      [['--spectra', '10000'], 2],
      [['--flavour', 'vanilla'], 2],
      [['--nonsense'], 2],
      [['more'], 2],
      [['--memory', '1'], 1],
    ] as const) {
      const { output, ended } = run(...options);
      expect(await ended, output()).to.deep.equal([code, null]);
      expect(output()).to.match(/^spectcl-simulator: .*\n$/);
    }
  });
});

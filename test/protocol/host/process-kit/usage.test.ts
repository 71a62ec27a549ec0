/** Help and refusal of wrong options, by every program of the package as a process. */
import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';

interface CommandLine {
  /** Compiled main module. */
  readonly program: string;
  /** Words that its help must contain. */
  readonly lists: readonly string[];
  /** Bad command lines, and a part of the message for each. */
  readonly refuses: readonly (readonly [words: readonly string[], message: string])[];
}

const PROGRAMS: readonly CommandLine[] = [
  {
    program: 'app-server/main',
    lists: ['--name NAME', '--options JSON', 'dataListen'],
    refuses: [[[], '--name NAME is missing'], [['--nonsense'], '--nonsense'], [['--name', '--port'], '--name'], [['--name', '../x'], '../x']],
  },
  {
    program: 'duplicator/main',
    lists: ['--flow NAME', '--buffer-size BYTES', '--input', '--output', '--connect SYSTEM', 'ringBytes', 'crc'],
    refuses: [[[], '--flow is missing'], [['--nonsense'], '--nonsense'], [['more'], 'more']],
  },
  {
    program: 'duplicator/recovery/main',
    lists: ['verify|repair FILE'],
    refuses: [[[], 'one file'], [['verify', 'a', 'b'], 'one file'], [['verify', '--nonsense'], '--nonsense']],
  },
  {
    program: 'gateway/main',
    lists: ['--name NAME', '--options JSON', 'parent'],
    refuses: [[[], '--name and --options'], [['--nonsense'], '--nonsense']],
  },
  { program: 'host-server/main', lists: ['--listen'], refuses: [[['--nonsense'], 'nonsense'], [['more'], 'more']] },
  { program: 'web/main', lists: ['--listen'], refuses: [[['--nonsense'], 'nonsense'], [['more'], 'more']] },
  {
    program: 'simulator/main',
    lists: ['--rest-port'],
    refuses: [[['--nonsense'], 'nonsense'], [['--flavour', 'vanilla'], 'vanilla']],
  },
  {
    program: 'bench/main',
    lists: ['fanout', '--repeats', 'compare A B'],
    refuses: [[['--nonsense'], 'nonsense'], [['nonsense'], 'nonsense'], [['--repeats', 'many'], 'many'], [['compare', 'a'], 'two files']],
  },
  {
    program: 'test/chaos/main',
    lists: ['--faults', 'kill-consumer'],
    refuses: [[['--nonsense'], 'nonsense'], [['--faults', 'many'], '--faults'], [['--kinds', 'flood,pinch'], 'pinch'], [['more'], 'more']],
  },
  {
    program: 'test/fuzz/main',
    lists: ['xml-rpc', '--inputs'],
    refuses: [[['--nonsense'], 'nonsense'], [['nonsense'], 'nonsense'], [['--inputs', 'many'], '--inputs']],
  },
]; // prettier-ignore

describe('every program', () => {
  for (const { program, lists, refuses } of PROGRAMS) {
    it(`--help lists the options on standard output: ${program}`, async () => {
      const one = new TestProcess(program, ['--help']);
      const output: string[] = [];
      one.process.stdout?.on('data', (chunk) => output.push(String(chunk)));
      expect(await one.end(), one.errors).to.equal(0);
      expect(one.errors).to.equal('');
      for (const word of [...lists, '--help']) expect(output.join('')).to.contain(word);
    });

    it(`a bad command line is refused in one line with exit code 2: ${program}`, async () => {
      for (const [words, message] of refuses) {
        const one = new TestProcess(program, words);
        expect(await one.end(), one.errors).to.equal(2);
        expect(one.errors)
          .to.contain(message)
          .and.match(/^[a-z-]+: [^\n]+\n$/);
      }
    });
  }
});

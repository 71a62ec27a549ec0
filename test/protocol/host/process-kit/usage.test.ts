import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';

interface Manners {
  /** Compiled main module. */
  readonly program: string;
  /** What its help has to name. */
  readonly tells: readonly string[];
  /** Words that cannot be, and what is said about them. */
  readonly refuses: readonly (readonly [words: readonly string[], said: string])[];
}

const PROGRAMS: readonly Manners[] = [
  {
    program: 'app-server/main',
    tells: ['--name NAME', '--data-listen ADDRESS'],
    refuses: [[[], '--name NAME is missing'], [['--nonsense'], '--nonsense'], [['--name', '--linger'], '--name'], [['--name', '../x'], '../x']],
  },
  {
    program: 'duplicator/main',
    tells: ['--app NAME', '--ring-bytes N', '--crc '],
    refuses: [[[], '--app is missing'], [['--nonsense'], '--nonsense'], [['more'], 'more']],
  },
  {
    program: 'duplicator/recovery/main',
    tells: ['verify|repair FILE'],
    refuses: [[[], 'one file'], [['verify', 'a', 'b'], 'one file'], [['verify', '--nonsense'], '--nonsense']],
  },
  {
    program: 'gateway/main',
    tells: ['--options JSON'],
    refuses: [[[], '--app, --options and --parent'], [['--nonsense'], '--nonsense']],
  },
  { program: 'host-server/main', tells: ['--listen'], refuses: [[['--nonsense'], 'nonsense'], [['more'], 'more']] },
  { program: 'web/main', tells: ['--listen'], refuses: [[['--nonsense'], 'nonsense'], [['more'], 'more']] },
  {
    program: 'simulator/main',
    tells: ['--rest-port'],
    refuses: [[['--nonsense'], 'nonsense'], [['--flavour', 'vanilla'], 'vanilla']],
  },
  {
    program: 'bench/main',
    tells: ['fanout', '--repeats', 'compare A B'],
    refuses: [[['--nonsense'], 'nonsense'], [['nonsense'], 'nonsense'], [['--repeats', 'many'], 'many'], [['compare', 'a'], 'two files']],
  },
  {
    program: 'test/chaos/main',
    tells: ['--faults', 'kill-consumer'],
    refuses: [[['--nonsense'], 'nonsense'], [['--faults', 'many'], '--faults'], [['--kinds', 'flood,pinch'], 'pinch'], [['more'], 'more']],
  },
  {
    program: 'test/fuzz/main',
    tells: ['xml-rpc', '--inputs'],
    refuses: [[['--nonsense'], 'nonsense'], [['nonsense'], 'nonsense'], [['--inputs', 'many'], '--inputs']],
  },
]; // prettier-ignore

describe('every program', () => {
  for (const { program, tells, refuses } of PROGRAMS) {
    it(`tells its options when it is asked, and nothing else: ${program}`, async () => {
      const one = new TestProcess(program, ['--help']);
      const said: string[] = [];
      one.process.stdout?.on('data', (chunk) => said.push(String(chunk)));
      expect(await one.end(), one.errors).to.equal(0);
      expect(one.errors).to.equal('');
      for (const word of [...tells, '--help']) expect(said.join('')).to.contain(word);
    });

    it(`refuses what cannot be in one line, with exit code 2: ${program}`, async () => {
      for (const [words, said] of refuses) {
        const one = new TestProcess(program, words);
        expect(await one.end(), one.errors).to.equal(2);
        expect(one.errors)
          .to.contain(said)
          .and.match(/^[a-z-]+: [^\n]+\n$/);
      }
    });
  }
});

/**
 * Tests the live display of the console (console/watch.ts) on streams of the test in the place of a
 * terminal: keys, interruption, errors. No process.
 */
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { CommandContext } from '../../console/command.js';
import { Output } from '../../console/output.js';
import { ENTER_SCREEN, LEAVE_SCREEN } from '../../console/render/screen.js';
import { watch } from '../../console/watch.js';

interface Terminal {
  readonly context: CommandContext;
  readonly written: () => string;
  readonly interrupt: () => void;
  readonly press: (key: string) => void;
  readonly rawModes: () => readonly boolean[];
}

function terminal(isTTY: boolean): Terminal {
  let written = '';
  const rawModes: boolean[] = [];
  const keys = new PassThrough();
  const stdin = Object.assign(keys, {
    isTTY,
    setRawMode: (mode: boolean) => void rawModes.push(mode),
  }) as unknown as NodeJS.ReadStream;
  const stdout = { write: (text: string) => (written += text), isTTY, columns: 40, rows: 5 };
  const controller = new AbortController();
  const output = new Output({ stdout, stderr: stdout, env: { TERM: 'xterm' }, json: false, noColour: true });
  return {
    context: {
      output,
      globals: { directory: undefined, json: false, noColour: true },
      commands: [],
      directory: undefined,
      signal: controller.signal,
      stdin,
      env: {},
      atPrompt: false,
      divertInterrupts: () => () => undefined,
    },
    written: () => written,
    interrupt: () => controller.abort(),
    press: (key) => void keys.write(key),
    rawModes: () => rawModes,
  };
}

describe('the live display', () => {
  for (const key of ['q', '\u0003']) {
    it(`the key ${JSON.stringify(key)} ends a live display and restores the terminal`, async () => {
      const { context, written, press, rawModes } = terminal(true);
      await watch(context, {
        intervalMs: 1,
        changed: () => true,
        paint: () => {
          press(key);
          return ['picture'];
        },
      });
      expect(written().startsWith(ENTER_SCREEN)).to.equal(true);
      expect(written()).to.contain('picture');
      expect(written().endsWith(LEAVE_SCREEN)).to.equal(true);
      expect(rawModes()).to.deep.equal([true, false]);
    });
  }

  it('an interrupted live display restores the terminal', async () => {
    const { context, written, interrupt, rawModes } = terminal(true);
    await watch(context, {
      intervalMs: 3_600_000,
      changed: () => true,
      paint: () => {
        setImmediate(interrupt);
        return ['picture'];
      },
    });
    expect(written().endsWith(LEAVE_SCREEN)).to.equal(true);
    expect(rawModes()).to.deep.equal([true, false]);
  });

  it('a live display whose frame fails restores the terminal', async () => {
    const { context, written, rawModes } = terminal(true);
    let thrown: unknown;
    try {
      await watch(context, {
        intervalMs: 1,
        changed: () => true,
        paint: () => {
          throw new Error('no picture');
        },
      });
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).to.contain('no picture');
    expect(written().endsWith(LEAVE_SCREEN)).to.equal(true);
    expect(rawModes()).to.deep.equal([true, false]);
    expect(process.listeners('exit').some((listener) => listener.name === 'leave')).to.equal(false);
  });

  it('a live display paints only when there is something new', async () => {
    const { context, interrupt } = terminal(true);
    let [checks, paints] = [0, 0];
    await watch(context, {
      intervalMs: 1,
      changed: () => {
        checks += 1;
        if (checks === 20) interrupt();
        return checks % 10 === 0;
      },
      paint: () => [`picture ${(paints += 1)}`],
    });
    expect(paints).to.equal(3);
  });

  it('without a terminal the frames of a live display are appended', async () => {
    const { context, written, interrupt } = terminal(false);
    let paints = 0;
    await watch(context, {
      intervalMs: 1,
      changed: () => true,
      paint: () => {
        paints += 1;
        if (paints === 2) interrupt();
        return [`picture ${paints}`];
      },
    });
    expect(written()).to.equal('picture 1\n\npicture 2\n');
  });
});

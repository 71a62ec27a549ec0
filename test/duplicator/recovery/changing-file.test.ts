/** The checks of a flow file that changes while it is read: by a provider that still lives. */
import { expect } from 'chai';
import { checkFile, type Check } from '../../../duplicator/recovery/checks.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { DeadFile, SLOTS } from './dead-file.js';

const PUBLISHED = 6;

describe('the checks of a flow file that changes between two looks', () => {
  let dead: DeadFile;
  beforeEach(() => {
    dead = new DeadFile(PUBLISHED);
  });
  afterEach(() => dead.remove());

  /** The dead owner's file, in which `change` happens before each sequence word is read. */
  function changing(change: (look: number) => void, owner = { pid: 2 ** 22, startTicks: 1n }): FlowFile {
    let look = 0;
    return Object.create(dead.file, {
      owner: { value: owner },
      slotWord: {
        value: (sequence: number): number => {
          change((look += 1));
          return dead.file.slotWord(sequence);
        },
      },
    }) as FlowFile;
  }

  function sequences(file: FlowFile): Check {
    const check = checkFile(file).find((one) => one.check === 'sequences');
    if (check === undefined) throw new Error('the sequences were not checked');
    return check;
  }

  it('a buffer that is published between two looks is no buffer to repair', () => {
    const check = sequences(
      changing((look) => {
        if (look !== 1) return;
        dead.commit();
        dead.ring.publish();
      }),
    );
    expect([check.state, check.repair]).to.deep.equal(['sound', undefined]);
    expect(check.text).to.include(`${PUBLISHED + 1} published`);
  });

  it('credit that grows between two looks does not make open slots a damage', () => {
    dead.file.granted = PUBLISHED;
    dead.ring.begin();
    const check = sequences(
      changing((look) => {
        if (look === 1) dead.file.granted = PUBLISHED + 1;
      }),
    );
    expect([check.state, check.text.includes('1 slots were being written')]).to.deep.equal(['sound', true]);
  });

  it('a slot that changes between two loads is looked at again before it is judged a damage', () => {
    const whole = dead.file.slotWord(PUBLISHED - 1);
    dead.setSlot(PUBLISHED - 1, 'sequence', 999);
    const check = sequences(
      changing((look) => {
        if (look === SLOTS + 1) dead.setSlot(PUBLISHED - 1, 'sequence', whole);
      }),
    );
    expect(check.state).to.equal('sound');
  });

  it('a damage that stays is a damage', () => {
    dead.setSlot(PUBLISHED - 1, 'sequence', 999);
    let looks = 0;
    const check = sequences(changing((look) => (looks = look)));
    expect(check.state).to.equal('unsound');
    expect(looks).to.be.above(SLOTS);
  });

  for (const [whose, owner, state] of [
    ['a dead owner', { pid: 2 ** 22, startTicks: 1n }, 'unsound'],
    ['a living owner', ownIdentity(), 'sound'],
  ] as const) {
    it(`the file of ${whose} that never stops changing is ${state}`, () => {
      const check = sequences(
        changing(() => {
          dead.file.granted += 1;
        }, owner),
      );
      expect([check.state, /chang/.test(check.text)]).to.deep.equal([state, true]);
    });
  }
});

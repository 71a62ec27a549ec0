/** The options of a history: defaults, and refusals by name. Pure. */
import { expect } from 'chai';
import { isMirrorflowError } from '../../../../protocol/base/errors.js';
import {
  checkHistoryMemory,
  checkHistoryOptions,
  resolveRules,
  type HistoryOptions,
} from '../../../../client-lib/input/history/history-rules.js';

describe('the options of a history', () => {
  it('a history has defaults for all options', () => {
    expect(checkHistoryOptions({})).to.deep.equal({
      history: 8,
      isDefault: true,
      whenFull: 'block',
      maxHistory: 4096,
    });
  });

  it('valid history options are kept as given', () => {
    const options = { history: 6, whenFull: 'grow', maxHistory: 9, watermarks: { high: 6, low: 1 } } as const;
    expect(checkHistoryOptions(options)).to.deep.equal(options);
  });

  const refused: [HistoryOptions, string][] = [
    [{ history: 0 }, 'history is 0; it must be a whole number of buffers from 1 to 65536'],
    [{ history: 1.5 }, 'history is 1.5'],
    [{ history: 65_537 }, 'history is 65537'],
    [{ whenFull: 'panic' as 'block' }, 'whenFull is "panic"; it must be one of block, overwrite, drop, grow'],
    [{ whenFull: 'grow' }, 'maxHistory is undefined'],
    [{ history: 9, maxHistory: 8 }, 'maxHistory is 8; it must be a whole number of buffers from 9'],
    [
      { watermarks: { high: 9, low: 2 } },
      'watermarks.high is 9; it must be a whole number of buffers from 2 to 8',
    ],
    [
      { watermarks: { high: 4, low: 4 } },
      'watermarks.low is 4; it must be a whole number of buffers from 1 to 3',
    ],
    [{ watermarks: { high: 4, low: 0 } }, 'watermarks.low is 0'],
    [{ watermarks: {} as { high: number; low: number } }, 'watermarks.high is undefined'],
  ];
  for (const [options, message] of refused) {
    it(`history options are refused: ${JSON.stringify(options)}`, () => {
      expect(() => checkHistoryOptions(options))
        .to.throw(message)
        .that.satisfies((error: unknown) => isMirrorflowError(error, 'BAD_OPTION'));
    });
  }

  it('a history beyond the addressable memory is TOO_LARGE, naming the number that fits', () => {
    checkHistoryMemory(3, 512 * 1024 * 1024);
    expect(() => checkHistoryMemory(8, 512 * 1024 * 1024))
      .to.throw('which is 3 buffers')
      .that.satisfies((error: unknown) => isMirrorflowError(error, 'TOO_LARGE'));
  });

  it('the default history is larger for small buffers; a stated one stays', () => {
    const stated = checkHistoryOptions({ history: 3 });
    expect(resolveRules(stated, 1).history).to.equal(3);
    for (const [payloadCapacity, maxHistory, history] of [
      [128, undefined, 2048],
      [1, undefined, 4096],
      [65_536, undefined, 8],
      [2 ** 30, undefined, 8],
      [128, 20, 20],
    ] as const) {
      const rules = checkHistoryOptions(maxHistory === undefined ? {} : { maxHistory });
      expect(resolveRules(rules, payloadCapacity).history).to.equal(history);
    }
  });
});

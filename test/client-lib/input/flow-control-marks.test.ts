/** Flow-control marks: their check, and when a mark counts as reached. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  checkFlowControl,
  MarkWatch,
  type FlowControlMarks,
} from '../../../client-lib/input/flow-control-marks.js';
import { checkInputOptions } from '../../../client-lib/input/input-options.js';
import type { HistoryRules } from '../../../client-lib/input/history/history-rules.js';

const rules: HistoryRules = { history: 16, whenFull: 'block', maxHistory: 64 };

function refusal(marks: FlowControlMarks, more: Partial<HistoryRules> = {}): string {
  try {
    checkFlowControl(marks, { ...rules, ...more });
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('flow-control marks', () => {
  it('XOFF without any XON is refused: at least one XON indication must be linked to a buffer number', () => {
    expect(refusal({ xoff: [8], xon: [] }))
      .to.include('below the XOFF at 8')
      .and.to.include('resume');
  });

  it('flow-control marks outside the history are refused with the numbers', () => {
    expect(refusal({ xoff: [17], xon: [2] }))
      .to.include('flowControl.xoff is 17')
      .and.to.include('1 to 16');
    expect(refusal({ xoff: [0], xon: [2] })).to.include('flowControl.xoff is 0');
    expect(refusal({ xoff: [8], xon: [16] }))
      .to.include('flowControl.xon is 16')
      .and.to.include('0 to 15');
    expect(refusal({ xoff: [8], xon: [1.5] })).to.include('flowControl.xon is 1.5');
    expect(refusal({ xoff: [], xon: [1] })).to.include('at least one');
  });

  it('an XON that a stopped provider would never reach is refused with the numbers', () => {
    expect(refusal({ xoff: [8], xon: [8] }))
      .to.include('[8]')
      .and.to.include('below the XOFF at 8');
    expect(refusal({ xoff: [4, 12], xon: [6, 10] }))
      .to.include('[6, 10]')
      .and.to.include('XOFF at 4');
    expect(refusal({ xoff: [12], xon: [2] }, { watermarks: { high: 10, low: 3 } })).to.include(
      'high watermark 10',
    );
    expect(refusal({ xoff: [12, 4], xon: [2, 10] })).to.equal('accepted');
    expect(refusal({ xoff: [16], xon: [0] })).to.equal('accepted');
  });

  it('an inline flow, which has no history of its own, refuses flow-control marks', () => {
    expect(() => checkInputOptions({ inline: true, flowControl: { xoff: [4], xon: [1] } })).to.throw(
      'inline flow',
    );
  });

  const follow = (marks: FlowControlMarks, fills: readonly number[]): string[] => {
    const reached: string[] = [];
    const watch = new MarkWatch(marks, (kind, mark) => reached.push(`${kind} ${mark}`));
    for (const fill of fills) watch.update(fill);
    return reached;
  };

  it('marks are reached in the order in which a rising and falling fill meets them', () => {
    const marks = { xoff: [4, 8], xon: [2, 6] };
    const up = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(follow(marks, [...up, 8, 7, 6, 5, 4, 3, 2, 1])).to.deep.equal([
      'xoff 4',
      'xoff 8',
      'xon 6',
      'xon 2',
    ]);
    expect(follow(marks, [9, 0])).to.deep.equal(['xoff 4', 'xoff 8', 'xon 6', 'xon 2']);
    expect(follow(marks, [9, 0, 9])).to.deep.equal([
      'xoff 4',
      'xoff 8',
      'xon 6',
      'xon 2',
      'xoff 4',
      'xoff 8',
    ]);
  });

  it('no XON is reached before an XOFF, and a fill that swings around a mark reaches it once', () => {
    expect(follow({ xoff: [8], xon: [2] }, [5, 0, 5, 0])).to.deep.equal([]);
    expect(follow({ xoff: [8], xon: [2] }, [8, 7, 8, 7, 8])).to.deep.equal(['xoff 8']);
    expect(follow({ xoff: [8], xon: [2] }, [8, 2, 3, 2, 3, 2])).to.deep.equal(['xoff 8', 'xon 2']);
    expect(follow({ xoff: [5], xon: [4] }, [5, 4, 5, 4])).to.deep.equal([
      'xoff 5',
      'xon 4',
      'xoff 5',
      'xon 4',
    ]);
  });

  it('an XOFF above which an XON resumed the flow is reached when the fill comes back to it from below', () => {
    const reached: string[] = [];
    const watch = new MarkWatch({ xoff: [5, 8], xon: [2, 6] }, (kind, mark) =>
      reached.push(`${kind} ${mark}`),
    );
    for (const fill of [5, 8, 6]) watch.update(fill);
    // The reader updates a falling fill at this one only.
    expect(watch.nextFall).to.equal(4);
    for (const fill of [4, 5]) watch.update(fill);
    expect(reached).to.deep.equal(['xoff 5', 'xoff 8', 'xon 6', 'xoff 5']);
  });

  it('after any course of the fill, a reached XOFF is followed by an XON when the history runs empty', () => {
    const mark = fc.integer({ min: 1, max: 16 });
    const lists = fc.record({
      xoff: fc.array(mark, { minLength: 1, maxLength: 4 }),
      xon: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(lists, fc.array(fc.integer({ min: 0, max: 16 })), (lists, fills) => {
        if (refusal(lists) !== 'accepted') return;
        const marks = checkFlowControl(lists, rules);
        let last = '';
        const watch = new MarkWatch(marks, (kind) => {
          last = kind;
        });
        for (const fill of fills) {
          watch.update(fill);
          expect(watch.nextFall).to.be.lessThan(Math.max(fill, 1));
        }
        watch.update(0);
        expect(last).to.not.equal('xoff');
        watch.update(16);
        expect(last).to.equal('xoff');
        watch.update(0);
        expect(last).to.equal('xon');
      }),
    );
  });
});

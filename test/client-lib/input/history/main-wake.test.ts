/** Wake-ups of a main thread that waits in its event loop. The test plays the flow thread. */
import { expect } from 'chai';
import { CONTROL, ControlBlock, MAIN_WAITS } from '../../../../client-lib/input/history/control-block.js';
import { MainWake } from '../../../../client-lib/input/history/main-wake.js';
import { eventually } from '../../../kit/eventually.js';

describe('MainWake', () => {
  let control: ControlBlock;
  let wake: MainWake;
  let wakeUps = 0;

  beforeEach(() => {
    wakeUps = 0;
    control = ControlBlock.create(1);
    wake = new MainWake(control, () => (wakeUps += 1));
  });

  afterEach(() => wake.close());

  /** What the flow thread does when buffers are ready. */
  function ready({ withMessage = false } = {}): boolean {
    if (control.exchange(CONTROL.mainWaits, MAIN_WAITS.not) === MAIN_WAITS.not) return false;
    if (!withMessage) Atomics.notify(control.int32, CONTROL.mainWaits);
    return true;
  }

  it('each request gets one wake-up, in a later turn', async () => {
    for (let count = 1; count <= 3; count += 1) {
      wake.request();
      expect([ready(), ready(), wakeUps]).to.deep.equal([true, false, count - 1]);
      await eventually(() => wakeUps === count);
    }
  });

  it('a request that is made before the last wake-up arrives gets one of its own', async () => {
    wake.request();
    ready();
    wake.request();
    await eventually(() => wakeUps === 1);
    expect(control.load(CONTROL.mainWaits)).to.equal(MAIN_WAITS.eventLoop);
    expect(ready()).to.equal(true);
    await eventually(() => wakeUps === 2);
  });

  it('a request that is answered before the last wake-up arrives is not lost', async () => {
    wake.request();
    ready();
    wake.request();
    ready();
    await eventually(() => wakeUps >= 1);
    expect(control.load(CONTROL.mainWaits)).to.equal(MAIN_WAITS.not);
  });

  it('after a wake-up by message the next request is answered as well', async () => {
    for (let count = 0; count < 100; count += 1) {
      wake.request();
      expect(ready({ withMessage: true })).to.equal(true);
    }
    wake.request();
    ready();
    await eventually(() => wakeUps === 1);
  });

  it('after closing nothing is called, and a request waits for nothing', async () => {
    wake.request();
    ready();
    wake.close();
    wake.request();
    expect(ready()).to.equal(false);
    const other = new MainWake(control, () => (wakeUps += 10));
    other.request();
    ready();
    await eventually(() => wakeUps > 0);
    other.close();
    expect(wakeUps).to.equal(10);
  });
});

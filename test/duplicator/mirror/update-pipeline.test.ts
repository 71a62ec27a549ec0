/** The states of the update pipeline, with verdicts about bindings that the test gives. */
import { expect } from 'chai';
import type { BindingVerdict, BindingWatch } from '../../../duplicator/mirror/binding-watch.js';
import type { ChangedUpdate, MirrorPublisher } from '../../../duplicator/mirror/mirror-publisher.js';
import { UpdatePipeline } from '../../../duplicator/mirror/update-pipeline.js';
import type { Clock } from '../../../protocol/base/clock.js';

const UPDATE: ChangedUpdate = {
  memory: Buffer.alloc(0),
  size: 0,
  ranges: [],
  headerChanged: false,
  statisticsChanged: false,
};

/** A pipeline whose publisher only counts. */
class PipelineRig {
  nowMs = 0;
  questions = 0;
  readonly published: number[] = [];
  brokenCalls = 0;
  readonly verified: number[] = [];
  comparedBytes = 0;
  answer: (verdict: BindingVerdict) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  readonly pipeline: UpdatePipeline;

  constructor(announcesHeaders = false) {
    let next = 0;
    const publisher = {
      get next() {
        return next;
      },
      arrived: (_kind: string, bodyBytes: number) => (this.comparedBytes += bodyBytes),
      publish: () => next++,
    } as unknown as MirrorPublisher;
    const bindings = {
      verdict: () => {
        this.questions += 1;
        return new Promise<BindingVerdict>((resolve, reject) => {
          this.answer = resolve;
          this.fail = reject;
        });
      },
    } as unknown as BindingWatch;
    const clock: Clock = { nowMs: () => this.nowMs, after: () => () => undefined };
    this.pipeline = new UpdatePipeline(publisher, announcesHeaders ? undefined : bindings, clock, {
      published: (sequence) => this.published.push(sequence),
      bindingsVerified: (asOfMs) => this.verified.push(asOfMs),
      broken: () => (this.brokenCalls += 1),
    });
  }
}

describe('the pipeline of a SpecTcl update', () => {
  it('a changed update is published only after REST has reported no change of bindings', async () => {
    const rig = new PipelineRig();
    rig.pipeline.submit(UPDATE);
    expect([rig.published, rig.pipeline.nextSequence]).to.deep.equal([[], 1]);
    rig.answer('same');
    expect(await rig.pipeline.headerHeld()).to.equal(true);
    expect([rig.published, rig.pipeline.nextSequence, rig.brokenCalls]).to.deep.equal([[0], 1, 0]);
  });

  it('a changed update of a source that announces its headers is published at once', async () => {
    const rig = new PipelineRig(true);
    rig.pipeline.submit(UPDATE);
    expect([rig.published, rig.questions]).to.deep.equal([[0], 0]);
    expect([await rig.pipeline.headerHeld(), await rig.pipeline.bindingsHeld()]).to.deep.equal([true, true]);
  });

  it('an update under changed bindings is dropped, and every later answer says so', async () => {
    const rig = new PipelineRig();
    rig.pipeline.submit(UPDATE);
    rig.answer('changed');
    for (let question = 0; question < 2; question += 1)
      expect(await rig.pipeline.headerHeld()).to.equal(false);
    expect([rig.published, rig.pipeline.broken, rig.brokenCalls]).to.deep.equal([[], true, 1]);
  });

  it('a failure of REST breaks the pipeline and is thrown to the session', async () => {
    const rig = new PipelineRig();
    rig.pipeline.submit(UPDATE);
    const failure = new Error('no answer');
    rig.fail(failure);
    const thrown: unknown = await rig.pipeline.headerHeld().catch((error: unknown) => error);
    expect([thrown, rig.published, rig.pipeline.broken]).to.deep.equal([failure, [], true]);
  });

  it('a verdict that arrives after the connection was left publishes nothing', async () => {
    for (const verdict of ['same', 'changed'] as const) {
      const rig = new PipelineRig();
      rig.pipeline.submit(UPDATE);
      rig.pipeline.close();
      rig.answer(verdict);
      await new Promise((resolve) => setImmediate(resolve));
      expect([rig.published, rig.brokenCalls]).to.deep.equal([[], 0]);
    }
  });

  it('an arriving update is not compared while another one waits for its verdict', async () => {
    const rig = new PipelineRig();
    rig.pipeline.arrived('partial', 10);
    rig.pipeline.submit(UPDATE);
    rig.pipeline.arrived('partial', 100);
    expect(rig.comparedBytes).to.equal(10);
    rig.answer('same');
    await rig.pipeline.headerHeld();
    rig.pipeline.arrived('partial', 1000);
    expect(rig.comparedBytes).to.equal(1010);
  });

  it('unchanged updates ask for bindings at low rates only', async () => {
    const rig = new PipelineRig();
    for (rig.nowMs = 0; rig.nowMs < 400; rig.nowMs += 10)
      expect(await rig.pipeline.bindingsHeld()).to.equal(true);
    expect(rig.questions).to.equal(0);
    const held = rig.pipeline.bindingsHeld();
    rig.answer('changed');
    expect([await held, rig.questions]).to.deep.equal([false, 1]);
  });
});

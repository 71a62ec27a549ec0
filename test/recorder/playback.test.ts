/** The position of a player follows speed, pauses, steps, jumps and the end. */
import { expect } from 'chai';
import { PlayerCommand, obey } from '../../recorder/play/commands.js';
import { Playback } from '../../recorder/play/playback.js';
import { ManualClock } from '../kit/manual-clock.js';

const S = 1e9;

describe('the position of a player', () => {
  let clock: ManualClock;

  beforeEach(() => {
    clock = new ManualClock();
  });

  const playback = (options: { speed?: number; loop?: boolean } = {}): Playback =>
    new Playback({ fromNs: 100 * S, toNs: 200 * S, speed: 1, loop: false, ...options }, clock);

  it('moves with the clock times the speed, and not while it is paused', () => {
    const playing = playback({ speed: 10 });
    clock.advance(2_000);
    expect(playing.positionNs).to.equal(120 * S);
    expect(playing.msUntil(130 * S)).to.equal(1_000);
    playing.pause();
    clock.advance(5_000);
    expect(playing.positionNs).to.equal(120 * S);
    expect(playing.msUntil(130 * S)).to.equal(Infinity);
    playing.resume(1);
    clock.advance(1_000);
    expect(playing.positionNs).to.equal(121 * S);
  });

  it('ends at the last time, or begins again in a loop', () => {
    const once = playback();
    clock.advance(150_000);
    expect(once.state).to.equal('ended');
    expect(once.positionNs).to.equal(200 * S);
    const loop = playback({ loop: true });
    clock.advance(100_000);
    expect(loop.positionNs).to.equal(100 * S);
    expect(loop.state).to.equal('playing');
    expect(loop.jumps).to.equal(1);
  });

  it('a jump stays within the recording and is counted, and a step pauses at the next time', () => {
    const playing = playback();
    obey(playing, Object.assign(new PlayerCommand(), { action: 'seek', value: 150_000 }), () => undefined);
    expect(playing.positionNs).to.equal(150 * S);
    playing.seek(900 * S);
    expect(playing.jumps).to.equal(2);
    playing.seek(0);
    expect(playing.positionNs).to.equal(100 * S);
    obey(playing, Object.assign(new PlayerCommand(), { action: 'step' }), () => 105 * S);
    clock.advance(60_000);
    expect(playing.positionNs).to.equal(105 * S);
    expect(playing.state).to.equal('paused');
    expect(() => obey(playing, Object.assign(new PlayerCommand(), { action: 'rewind' }), () => 0)).to.throw(
      /"rewind"; it must be one of pause/,
    );
  });
});

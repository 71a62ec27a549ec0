/** What a command writes to which stream, in words and with `--json`. */
import { expect } from 'chai';
import { Output } from '../../console/output.js';
import { MirrorflowError } from '../../protocol/base/errors.js';

function captured(json: boolean): { output: Output; stdout: () => string; stderr: () => string } {
  let [out, err] = ['', ''];
  const output = new Output({
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    json,
    noColour: false,
  });
  return { output, stdout: () => out, stderr: () => err };
}

describe('the output of a command', () => {
  it('errors go to standard error with a hint', () => {
    const { output, stdout, stderr } = captured(false);
    output.failure(new MirrorflowError('UNKNOWN_FLOW', 'there is no flow x'));
    expect(stdout()).to.equal('');
    expect(stderr()).to.equal('mirrorflow: there is no flow x\n  mirrorflow flows lists the flows\n');
  });

  it('a message that names a command gets no hint', () => {
    const { output, stderr } = captured(false);
    output.failure(new MirrorflowError('APPLICATION_EXISTS', 'it runs; end it with mirrorflow stop e1'));
    expect(stderr()).to.equal('mirrorflow: it runs; end it with mirrorflow stop e1\n');
  });

  it('with --json errors are JSON', () => {
    const { output, stderr } = captured(true);
    output.failure(new MirrorflowError('TIMED_OUT', 'too late', { afterMs: 5 }));
    expect(JSON.parse(stderr())).to.deep.include({
      error: {
        code: 'TIMED_OUT',
        message: 'too late',
        hint: 'the request may still be carried out: check with mirrorflow apps',
        facts: { afterMs: 5 },
      },
    });
  });

  it('control sequences of a message are replaced', () => {
    const { output, stderr } = captured(false);
    output.failure(new Error('a\x1b[2Jb\nsecond line'));
    expect(stderr()).to.equal('mirrorflow: a?[2Jb\nsecond line\n');
  });

  it('with --json notes are not printed', () => {
    const { output, stderr } = captured(true);
    output.note('by the way');
    expect(stderr()).to.equal('');
  });
});

/** The file with the history of the prompt: place, mode, order, and several prompts at once. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { HISTORY_LINES, History, historyPath } from '../../../console/prompt/history.js';

describe('the history of the prompt', () => {
  let directory: string;
  let path: string;
  const problems: string[] = [];
  const history = (): History => new History(path, (problem) => problems.push(problem));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'state', 'mirrorflow', 'history');
    problems.length = 0;
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("the history file is in the user's state directory", () => {
    expect(historyPath({ XDG_STATE_HOME: '/s', HOME: '/h' })).to.equal('/s/mirrorflow/history');
    expect(historyPath({ XDG_STATE_HOME: 'relative', HOME: '/h' })).to.equal(
      '/h/.local/state/mirrorflow/history',
    );
    expect(historyPath({})).to.equal(undefined);
  });

  it('the history is loaded newest first and readable for its user only', () => {
    history().add('apps');
    history().add('  ');
    history().add('spectra');
    expect(history().load()).to.deep.equal(['spectra', 'apps']);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('several prompts at once lose no line of the history', () => {
    const [one, other] = [history(), history()];
    one.add('from one');
    other.add('from the other');
    one.add('one again');
    expect(history().load()).to.deep.equal(['one again', 'from the other', 'from one']);
  });

  it('a large history file is cut to its newest lines', () => {
    mkdirSync(dirname(path), { recursive: true });
    const line = 'x'.repeat(300);
    writeFileSync(path, `${line}\n`.repeat(3 * HISTORY_LINES));
    expect(history().load()).to.have.length(HISTORY_LINES);
    expect(readFileSync(path, 'utf8').split('\n')).to.have.length(HISTORY_LINES + 1);
  });

  it('a history that cannot be kept is reported once', () => {
    writeFileSync(join(directory, 'state'), 'no directory');
    chmodSync(join(directory, 'state'), 0o600);
    const broken = history();
    expect(broken.load()).to.deep.equal([]);
    broken.add('apps');
    broken.add('apps');
    expect(problems).to.have.length(1);
    expect(problems[0]).to.contain('the history cannot be kept');
  });
});
